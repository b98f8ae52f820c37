// Text with the places of values marked, for formats without pages; tables are shown as tables.
import { type ReactNode, useMemo } from 'react';
import type { Schemas } from '../api/client';
import { blocks, type Range } from '../lib/blocks';

type Evidence = Schemas['EvidenceView'];
type Mark = Range & { field: string };

export function Marked({
  text,
  evidence,
  lit,
  setLit,
  focus,
}: {
  text: string;
  evidence: Evidence[];
  lit: string | null;
  setLit: (field: string | null) => void;
  focus: (field: string) => void;
}) {
  const marks = useMemo(() => places(text, evidence), [text, evidence]);
  const parts = useMemo(() => blocks(text), [text]);

  /** A part of the text, with what is marked in it. */
  const shown = ({ start, end }: Range): ReactNode[] => {
    const nodes: ReactNode[] = [];
    let at = start;
    for (const mark of marks) {
      if (mark.end <= start || mark.start >= end) continue;
      const from = Math.max(mark.start, start);
      const to = Math.min(mark.end, end);
      nodes.push(text.slice(at, from));
      nodes.push(
        // biome-ignore lint/a11y/useKeyWithClickEvents: the fields beside it are the way for keyboards
        <mark
          key={`${mark.field}${from}`}
          data-field={mark.field}
          data-lit={lit === mark.field}
          onMouseEnter={() => setLit(mark.field)}
          onClick={() => focus(mark.field)}
        >
          {text.slice(from, to)}
        </mark>,
      );
      at = to;
    }
    nodes.push(text.slice(at, end));
    return nodes;
  };

  return (
    <div>
      {parts.map((block) =>
        block.kind === 'text' ? (
          <div key={block.start}>{shown(block)}</div>
        ) : (
          <table key={block.rows[0]?.[0]?.start ?? 0} className="cells">
            <tbody>
              {block.rows.map((row) => (
                <tr key={row[0]?.start}>
                  {row.map((cell) => (
                    <td key={cell.start}>{shown(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        ),
      )}
    </div>
  );
}

/** Where the quotes stand, none over another, in order. */
function places(text: string, evidence: Evidence[]): Mark[] {
  const found: Mark[] = [];
  for (const { quote, field } of evidence) {
    if (quote.length === 0) continue;
    let start = text.indexOf(quote);
    while (start >= 0 && found.some((mark) => start < mark.end && start + quote.length > mark.start))
      start = text.indexOf(quote, start + 1);
    if (start >= 0) found.push({ start, end: start + quote.length, field });
  }
  return found.sort((a, b) => a.start - b.start);
}
