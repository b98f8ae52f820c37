// Text as a reader gives it (Markdown where there are tables), cut into what is shown as a table and what is not.

/** From this character to before that one. */
export type Range = { start: number; end: number };
export type Block = ({ kind: 'text' } & Range) | { kind: 'table'; rows: Range[][] };

/** Cuts a text into blocks; every character that is shown keeps its place. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let plain: Range | null = null;
  let rows: Range[][] = [];
  const endTable = () => {
    if (rows.length > 0) found.push({ kind: 'table', rows });
    rows = [];
  };
  const endPlain = () => {
    if (plain) found.push({ kind: 'text', ...plain });
    plain = null;
  };
  for (let start = 0; start < text.length; ) {
    const at = text.indexOf('\n', start);
    const end = at < 0 ? text.length : at;
    const line = text.slice(start, end);
    if (/^\|.*\|\s*$/.test(line)) {
      endPlain();
      // The rule below the head says nothing.
      if (!/^\|(\s*:?-+:?\s*\|)+\s*$/.test(line)) rows.push(cells(line, start));
    } else {
      endTable();
      plain = { start: plain === null ? start : (plain as Range).start, end };
    }
    start = end + 1;
  }
  endPlain();
  endTable();
  return found;
}

/** The cells of a line, without the blanks around what they hold. */
function cells(line: string, offset: number): Range[] {
  const found: Range[] = [];
  let from = 1;
  for (let index = 1; index < line.length; index += 1) {
    if (line[index] === '\\') index += 1;
    else if (line[index] === '|') {
      const inside = line.slice(from, index);
      const start = from + (inside.length - inside.trimStart().length);
      found.push({ start: offset + start, end: offset + Math.max(start, from + inside.trimEnd().length) });
      from = index + 1;
    }
  }
  return found;
}
