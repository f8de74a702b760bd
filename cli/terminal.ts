/** The output of the command line. */

/** Receives the output of a command. */
export interface Terminal {
  /** Prints a line of results. */
  readonly print: (line: string) => void;
  /** Prints a line about a problem. */
  readonly warn: (line: string) => void;
  /** Shows a line that the next line of any kind replaces. Does nothing if nobody watches. */
  readonly show: (line: string) => void;
}

const CLEAR_LINE = '\r\x1b[K';

let isShowing = false;

/** Standard output and standard error. */
export const terminal: Terminal = {
  print: (line) => {
    clear();
    process.stdout.write(`${line}\n`);
  },
  warn: (line) => {
    clear();
    process.stderr.write(`${line}\n`);
  },
  show: (line) => {
    if (!process.stderr.isTTY) return;
    process.stderr.write(CLEAR_LINE + line.slice(0, process.stderr.columns - 1));
    isShowing = true;
  },
};

function clear(): void {
  if (isShowing) process.stderr.write(CLEAR_LINE);
  isShowing = false;
}
