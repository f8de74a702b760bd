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

/** Bytes in the powers of ten that file managers use. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  if (value < 999_500) return `${(value / 1000).toFixed(0)} kB`;
  if (value < 999_500_000) return `${(value / 1e6).toFixed(value < 9.95e6 ? 2 : 0)} MB`;
  return `${(value / 1e9).toFixed(2)} GB`;
}

/** A signal-to-noise ratio. */
export function decibels(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(2)} dB` : '∞ dB';
}

/** How many times fewer: 12, or 11.8. */
export function times(value: number): string {
  return value.toFixed(value < 100 && Math.abs(value - Math.round(value)) > 0.05 ? 1 : 0);
}
