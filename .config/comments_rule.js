/** An ESLint rule: comments end at column 120, as code does, and doc comments begin with a noun phrase or a verb. */
export const comments = {
  meta: { type: 'layout', schema: [] },
  create(context) {
    const { lines } = context.sourceCode;
    return {
      Program() {
        for (const { type, value, loc } of context.sourceCode.getAllComments()) {
          for (let line = loc.start.line; line <= loc.end.line; line++) {
            if (lines[line - 1].length <= 120) continue;
            context.report({ loc: { line, column: 120 }, message: 'Comments end at column 120.' });
          }
          const [, word] = /^\*\s+(What|Who|How far|Those that|That which)\b/.exec(type === 'Block' ? value : '') ?? [];
          if (word) context.report({ loc, message: `Begin with a noun phrase or a verb, not with "${word}".` });
        }
      },
    };
  },
};
