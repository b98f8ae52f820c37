// Values of results in the list of documents: shown, corrected in place, asked for by condition.
import { ActionIcon, Button, Group, Menu, Popover, Select, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { api, ask, type Doc, type DocDetail, ProblemError, type Schemas } from '../api/client';
import { counted, cut } from '../lib/format';
import { useRemembered } from '../lib/hooks';
import { type Json, put, value as valueAt } from '../lib/pointer';
import { condition, fromTyped, shownAs } from '../lib/values';
import type { DocumentsSearch } from '../router';
import type { Column } from './rows';

export type Field = Schemas['ResultField'];

/** The longest text of a cell; all of it is in its title. */
const LONGEST = 36;

/** What a field's column is called among the columns. */
export const fieldColumn = (field: Field): string => `field:${field.path}`;

/** A column for each field of the results. */
export function valueColumns(batch: string, fields: Field[], mayReview: boolean): Column[] {
  return fields.map((field) => ({
    id: fieldColumn(field),
    name: field.path,
    title: field.description || undefined,
    sort: fieldColumn(field),
    num: field.kind === 'number' || field.kind === 'integer',
    show: (doc) => <Cell batch={batch} doc={doc} field={field} mayReview={mayReview} />,
  }));
}

/** Columns that are shown at first: what was taken out, and whether somebody should look. */
export function usualColumns(fields: Field[]): string[] {
  const plain = fields.filter((field) => field.kind !== 'list' && field.kind !== 'json');
  return ['document', 'state', ...plain.slice(0, 8).map(fieldColumn), 'risk', 'review', 'error'];
}

function Cell({ batch, doc, field, mayReview }: { batch: string; doc: Doc; field: Field; mayReview: boolean }) {
  const [editing, setEditing] = useState(false);
  if (!doc.values) return <span className="faint">–</span>;
  const value = (doc.values[field.path] ?? null) as Json;
  const flag = doc.flags?.[field.path];
  if (editing) return <Edit batch={batch} doc={doc} field={field} value={value} close={() => setEditing(false)} />;
  if (Array.isArray(value)) return <Nested value={value} flag={flag} />;
  const text = shownAs(value);
  const may = mayReview && field.kind !== 'json';
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut; the document's page corrects values by keyboard
    <span
      className={flag ? 'value flagged' : 'value'}
      title={[text.length > LONGEST && text, flag, may && 'double click corrects it'].filter(Boolean).join(' · ')}
      onDoubleClick={() => may && setEditing(true)}
    >
      {text === '' ? <span className="faint">–</span> : cut(text, LONGEST)}
      {flag && <span className="visually-hidden"> ({flag})</span>}
    </span>
  );
}

/** A list opens as a table of its own. */
function Nested({ value, flag }: { value: Json[]; flag?: string }) {
  const names = [...new Set(value.flatMap((item) => (item && typeof item === 'object' ? Object.keys(item) : [''])))];
  if (value.length === 0) return <span className="faint">none</span>;
  return (
    <Popover position="bottom" withArrow shadow="md" withinPortal>
      <Popover.Target>
        <button type="button" className={flag ? 'plain-button flagged' : 'plain-button'} title={flag}>
          {counted(value.length, 'item')}
        </button>
      </Popover.Target>
      <Popover.Dropdown p={0} className="nested-table">
        <table className="list dense">
          <thead>
            <tr>
              {names.map((name) => (
                <th key={name}>{name === '' ? 'value' : name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {value.map((item, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: items of a list are known by their place
              <tr key={at}>
                {names.map((name) => {
                  const inner =
                    name === '' ? item : item && typeof item === 'object' && !Array.isArray(item) ? item[name] : null;
                  return (
                    <td key={name} className={typeof inner === 'number' ? 'num' : undefined}>
                      {cut(shownAs(inner ?? null), LONGEST)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Corrects a value: Enter keeps it, Escape does not. What it was stays in the document's history. */
function Edit({
  batch,
  doc,
  field,
  value,
  close,
}: {
  batch: string;
  doc: Doc;
  field: Field;
  value: Json;
  close: () => void;
}) {
  const [typed, setTyped] = useState(shownAs(value));
  const [busy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const client = useQueryClient();
  useEffect(() => input.current?.select(), []);
  const keep = async () => {
    if (busy) return;
    if (typed === shownAs(value)) return close();
    setBusy(true);
    const path = { batch, document: doc.document };
    try {
      const wanted = fromTyped(typed, field.kind);
      const detail: DocDetail = await ask(
        api.GET('/api/v1/batches/{batch}/documents/{document}', { params: { path } }),
      );
      const data = (detail.reviewed?.data ?? detail.extraction?.data ?? {}) as Json;
      // Somebody else may have corrected it since the list was drawn.
      if (shownAs(valueAt(data, field.pointer) ?? null) !== shownAs(value))
        throw new Error('the value was changed by somebody else meanwhile');
      await ask(
        api.PUT('/api/v1/batches/{batch}/documents/{document}/review', {
          params: { path },
          body: {
            verdict: detail.reviewed?.verdict ?? 'assigned',
            data: put(data, field.pointer, wanted) as Record<string, never>,
            seen: detail.reviewed?.version ?? 0,
          },
        }),
      );
      await client.invalidateQueries({ queryKey: ['documents', batch] });
      close();
    } catch (error) {
      const hint = error instanceof ProblemError && error.hint ? ` (${error.hint})` : '';
      notifications.show({
        color: 'red',
        title: `${field.path} of no. ${doc.document} was not changed`,
        message: `${error instanceof Error ? error.message : String(error)}${hint}`,
      });
      setBusy(false);
    }
  };
  return (
    <TextInput
      ref={input}
      size="xs"
      miw={110}
      aria-label={`${field.path} of no. ${doc.document}`}
      value={typed}
      disabled={busy}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onBlur={close}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void keep();
        if (event.key === 'Escape') close();
        event.stopPropagation();
      }}
    />
  );
}

const comparisons = [
  { value: '=', label: 'is' },
  { value: '!=', label: 'is not' },
  { value: '>', label: 'more than' },
  { value: '>=', label: 'at least' },
  { value: '<', label: 'less than' },
  { value: '<=', label: 'at most' },
  { value: 'contains', label: 'contains' },
  { value: 'begins', label: 'begins with' },
  { value: 'is empty', label: 'is empty' },
  { value: 'is not empty', label: 'is not empty' },
];
const ofNumbers = ['=', '!=', '>', '>=', '<', '<=', 'is empty', 'is not empty'];

/** Which values a list shows: typed, or put together. */
export function Where({
  value,
  fields,
  change,
  error,
}: {
  value?: string;
  fields: Field[];
  change: (where?: string) => void;
  error?: unknown;
}) {
  const [typed, setTyped] = useState(value ?? '');
  const [opened, setOpened] = useState(false);
  const [field, setField] = useState<string | null>(fields[0]?.path ?? null);
  const [how, setHow] = useState('=');
  const [than, setThan] = useState('');
  useEffect(() => setTyped(value ?? ''), [value]);
  const chosen = fields.find((it) => it.path === field);
  const byNumber = chosen ? ['number', 'integer', 'boolean', 'list'].includes(chosen.kind) : false;
  const offered = comparisons.filter((it) => !byNumber || ofNumbers.includes(it.value));
  const comparison = offered.some((it) => it.value === how) ? how : '=';
  const needsValue = !comparison.startsWith('is');
  const problem = error instanceof ProblemError && error.status === 400 ? error : null;
  return (
    <Group gap={4} align="flex-end" wrap="nowrap">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change(typed.trim() || undefined);
        }}
      >
        <TextInput
          size="xs"
          w={240}
          label="Values"
          placeholder={`${fields[0]?.path ?? 'total'} is not empty`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onBlur={() => (typed.trim() || undefined) !== value && change(typed.trim() || undefined)}
          error={!!value && problem !== null}
        />
      </form>
      <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus>
        <Popover.Target>
          <Tooltip label="Add a condition">
            <ActionIcon size={30} variant="default" aria-label="Add a condition" onClick={() => setOpened(!opened)}>
              +
            </ActionIcon>
          </Tooltip>
        </Popover.Target>
        <Popover.Dropdown>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              if (!chosen || (needsValue && than.trim() === '')) return;
              const added = condition(chosen, comparison, than);
              change(value ? `${value} and ${added}` : added);
              setThan('');
              setOpened(false);
            }}
          >
            <Stack gap="xs" w={240}>
              <Select
                size="xs"
                label="Field"
                searchable
                value={field}
                onChange={setField}
                data={fields.map((it) => it.path)}
                comboboxProps={{ withinPortal: false }}
              />
              <Select
                size="xs"
                label="Condition"
                value={comparison}
                allowDeselect={false}
                onChange={(next) => setHow(next ?? '=')}
                data={offered}
                comboboxProps={{ withinPortal: false }}
              />
              {needsValue && (
                <TextInput
                  size="xs"
                  label="Value"
                  value={than}
                  placeholder={chosen?.kind === 'date' ? '2024-03-31, or begins with 2024-03' : undefined}
                  onChange={(event) => setThan(event.currentTarget.value)}
                />
              )}
              <Group justify="flex-end">
                <Button size="xs" type="submit" disabled={!chosen || (needsValue && than.trim() === '')}>
                  Add
                </Button>
              </Group>
            </Stack>
          </form>
        </Popover.Dropdown>
      </Popover>
    </Group>
  );
}

type View = { template: string; name: string; search: DocumentsSearch };

/** Lists somebody comes back to: filter, order and columns under a name, and as a link. */
export function Views({
  template,
  search,
  shown,
  open,
}: {
  template: string;
  search: DocumentsSearch;
  shown: string[];
  open: (search: DocumentsSearch) => void;
}) {
  const [views, setViews] = useRemembered<View[]>('views', []);
  const [name, setName] = useState('');
  const mine = views.filter((view) => view.template === template);
  const current: DocumentsSearch = { ...search, page: undefined, columns: shown.join(',') };
  const keep = () => {
    const typed = name.trim();
    if (typed === '') return;
    const others = views.filter((view) => view.template !== template || view.name !== typed);
    setViews([...others, { template, name: typed, search: current }]);
    setName('');
  };
  const copy = async () => {
    const link = new URL(window.location.href);
    link.searchParams.delete('page');
    link.searchParams.set('columns', shown.join(','));
    await navigator.clipboard.writeText(link.href);
    notifications.show({ message: 'Link copied', autoClose: 1500 });
  };
  return (
    <Menu position="bottom-end" width={260}>
      <Menu.Target>
        <Button size="xs" variant="default">
          Views
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {mine.length === 0 && (
          <Text size="xs" c="dimmed" p="xs">
            Filter, order and columns, kept under a name in this browser.
          </Text>
        )}
        {mine.map((view) => (
          <Group key={view.name} gap={2} wrap="nowrap">
            <Menu.Item onClick={() => open(view.search)}>{view.name}</Menu.Item>
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={`Remove the view ${view.name}`}
              onClick={() => setViews(views.filter((it) => it !== view))}
            >
              ×
            </ActionIcon>
          </Group>
        ))}
        <Menu.Divider />
        <form
          onSubmit={(event) => {
            event.preventDefault();
            keep();
          }}
        >
          <Group gap={4} p={4} wrap="nowrap">
            <TextInput
              size="xs"
              aria-label="Name of the view"
              placeholder="Keep this view as…"
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
              onKeyDown={(event) => event.stopPropagation()}
            />
            <Button size="xs" type="submit" disabled={name.trim() === ''}>
              Keep
            </Button>
          </Group>
        </form>
        <Menu.Item onClick={copy}>Copy a link to this view</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
