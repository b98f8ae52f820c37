// Values of results as text: shown, typed, and in conditions.
import type { Json } from './pointer';

/** A value as a cell shows it. */
export function shownAs(value: Json): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

/** What somebody typed into the cell of a field; throws when it is none of its values. */
export function fromTyped(typed: string, kind: string): Json {
  const text = typed.trim();
  if (text === '') return null;
  if (kind === 'number' || kind === 'integer') {
    const number = Number(text);
    if (!Number.isFinite(number) || (kind === 'integer' && !Number.isInteger(number)))
      throw new Error(`${text} is no ${kind === 'integer' ? 'whole number' : 'number'}`);
    return number;
  }
  if (kind === 'boolean') {
    if (['yes', 'true'].includes(text.toLowerCase())) return true;
    if (['no', 'false'].includes(text.toLowerCase())) return false;
    throw new Error(`${text} is neither yes nor no`);
  }
  return typed;
}

/** One word, or in quotes. */
const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`);

/** A condition as the server reads it. */
export function condition(field: { path: string }, comparison: string, value: string): string {
  const name = quoted(field.path);
  return comparison.startsWith('is') ? `${name} ${comparison}` : `${name} ${comparison} ${quoted(value.trim())}`;
}

/** Rows as text that spreadsheets take: cells apart by tabs, with no line ends inside. */
export function tsv(rows: string[][]): string {
  const cell = (text: string) => text.replaceAll(/[\t\r\n]+/g, ' ');
  return rows.map((row) => row.map(cell).join('\t')).join('\n');
}
