import { memo, type ReactNode } from 'react';
import type { Doc } from '../api/client';
import { bytes, cut, money, words } from '../lib/format';
import type { DocumentsSearch } from '../router';
import { When } from './parts';
import { State } from './state';

export type Column = {
  id: string;
  name: string;
  title?: string;
  sort?: string;
  num?: boolean;
  show: (doc: Doc) => ReactNode;
};
export const columns: Column[] = [
  { id: 'document', name: 'No.', sort: 'document', num: true, show: (doc) => doc.document },
  { id: 'state', name: 'State', show: (doc) => <State of={doc.state} /> },
  { id: 'class', name: 'Class', show: (doc) => words(doc.class) },
  { id: 'pages', name: 'Pages', sort: 'pages', num: true, show: (doc) => doc.pages ?? '–' },
  { id: 'bytes', name: 'Size', num: true, show: (doc) => bytes(doc.bytes) },
  { id: 'cost', name: 'Cost', sort: 'cost', num: true, show: (doc) => money(doc.cost_usd) },
  { id: 'attempts', name: 'Calls', num: true, show: (doc) => doc.attempts },
  { id: 'risk', name: 'Risk', sort: 'risk', num: true, show: (doc) => doc.risk ?? '–' },
  {
    id: 'review',
    name: 'Review',
    show: (doc) => (doc.review ? <State of={doc.review} /> : <span className="faint">–</span>),
  },
  {
    id: 'error',
    name: 'What happened',
    show: (doc) => (
      <span title={doc.error ?? ''}>
        {doc.error ? doc.error : doc.duplicate_of ? `same content as no. ${doc.duplicate_of}` : ''}
      </span>
    ),
  },
  { id: 'updated', name: 'Changed', sort: 'updated', num: true, show: (doc) => <When at={doc.updated_at} /> },
];

export type Act = (what: 'open' | 'toggle', doc: Doc) => void;

export const Row = memo(function Row({
  doc,
  current,
  checked,
  shown,
  href,
  act,
}: {
  doc: Doc;
  current: boolean;
  checked: boolean;
  shown: Column[];
  href: string;
  act: Act;
}) {
  return (
    <tr data-current={current}>
      <td>
        <input
          type="checkbox"
          className="plain"
          aria-label={`Select ${doc.name}`}
          checked={checked}
          onChange={() => act('toggle', doc)}
        />
      </td>
      <td className="name">
        <a
          href={href}
          title={doc.name}
          onClick={(event) => {
            // Another tab or window is the browser's business.
            if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
            event.preventDefault();
            act('open', doc);
          }}
        >
          {cut(doc.name, 40)}
        </a>
      </td>
      {shown.map((column) => (
        <td key={column.id} className={classOf(column)}>
          {column.show(doc)}
        </td>
      ))}
    </tr>
  );
});

function classOf(column: Column): string {
  if (column.num) return 'num';
  if (column.id === 'error') return 'one-line';
  return column.id.startsWith('field:') ? 'col-field' : `col-${column.id}`;
}

/** The head of a column: sorts by a click, and is as wide as somebody drags it. */
export function Head({
  column,
  search,
  sort,
  widths,
  setWidths,
}: {
  column: Column;
  search: DocumentsSearch;
  sort: (column: Column) => void;
  widths: Record<string, number>;
  setWidths: (widths: Record<string, number>) => void;
}) {
  const active = (search.sort ?? 'document') === column.sort;
  const down = active && search.order === 'desc';
  const drag = (event: React.PointerEvent<HTMLElement>) => {
    const head = event.currentTarget.closest('th');
    if (!head) return;
    event.preventDefault();
    const from = event.clientX;
    const width = head.offsetWidth;
    const move = (now: PointerEvent) => {
      head.style.minWidth = `${Math.max(40, width + now.clientX - from)}px`;
    };
    const up = () => {
      setWidths({ ...widths, [column.id]: head.offsetWidth });
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', up);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', up);
  };
  return (
    <th
      className={column.num ? 'num' : undefined}
      aria-sort={active ? (down ? 'descending' : 'ascending') : undefined}
      style={{ minWidth: widths[column.id] }}
      title={column.title}
    >
      {column.sort ? (
        <button type="button" className="sort" data-active={active} onClick={() => sort(column)}>
          {column.name} {active ? (down ? '↓' : '↑') : ''}
        </button>
      ) : (
        column.name
      )}
      <span
        aria-hidden="true"
        onPointerDown={drag}
        style={{ cursor: 'col-resize', padding: '0 3px', opacity: 0.35, touchAction: 'none' }}
      >
        ⋮
      </span>
    </th>
  );
}
