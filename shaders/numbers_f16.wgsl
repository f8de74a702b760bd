// The first lines of multiply_matrix.wgsl: matrices in f16.
enable f16;
enable subgroups;
enable chromium_experimental_subgroup_matrix;
diagnostic(off, chromium.subgroup_matrix_uniformity); // the thread index decides the subgroup: 32 neighbours share one

alias Number = f16;
const SIZE = 16u; // rows and columns of a matrix
