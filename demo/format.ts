/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en');

/** 786432 as 786,432. */
export function count(value: number): string {
  return whole.format(value);
}

/** Sides with a multiplication sign between them. */
export function sides(...lengths: readonly number[]): string {
  return lengths.join(' × ');
}

/** A time span: milliseconds, or seconds from one second on. */
export function duration(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(ms < 9950 ? 2 : 1)} s`;
}

/** Bytes in the powers of ten that file managers use, three digits of them. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const [scaled, unit] =
    value < 999_500 ? [value / 1e3, 'kB'] : value < 999.5e6 ? [value / 1e6, 'MB'] : [value / 1e9, 'GB'];
  return `${scaled.toFixed(scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0)} ${unit}`;
}

/** A share of one as percent, two digits of it. */
export function percent(share: number): string {
  const value = 100 * share;
  return `${value.toFixed(value < 9.95 ? 1 : 0)} %`;
}

/** A signal-to-noise ratio. */
export function decibels(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)} dB` : '∞ dB';
}

/** Structural similarity, without the nought that all have in common. */
export function similarity(value: number): string {
  return value.toFixed(3).replace(/^0/, '');
}
