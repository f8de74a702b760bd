// The first lines of multiply_matrix.wgsl: matrices in f32.
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity); // the thread index decides the subgroup: 32 neighbours share one

alias Number = f32;
const SIZE = 8u; // rows and columns of a matrix
