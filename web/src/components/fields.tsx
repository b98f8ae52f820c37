// The fields of a result: shown, corrected and checked as the schema says.
import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  NumberInput,
  Select,
  Text,
  Textarea,
  TextInput,
  Tooltip,
} from '@mantine/core';
import type { Schemas } from '../api/client';
import { cut, fieldName, words } from '../lib/format';
import { type Json, join } from '../lib/pointer';
import * as Icons from './icons';

export type Schema = {
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  enum?: Json[];
  description?: string;
  format?: string;
  required?: string[];
  anyOf?: Schema[];
};

type FieldsProps = {
  value: Json;
  was: Json | undefined;
  schema: Schema | undefined;
  pointer: string;
  extraction: Schemas['ExtractionView'];
  lit: string | null;
  setLit: (field: string | null) => void;
  change: (pointer: string, value: Json | undefined) => void;
};

/** An object or a list of fields, as the schema orders them. */
export function Fields(props: FieldsProps) {
  const { value, was, schema, pointer } = props;
  if (Array.isArray(value)) {
    const old = Array.isArray(was) ? was : [];
    return (
      <>
        {value.map((item, index) => {
          const at = join(pointer, index);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: items of a list are known by their place
            <div key={index} className="field-group">
              <Group justify="space-between" gap={4}>
                <Text size="xs" c="dimmed">
                  {index + 1}
                </Text>
                <ActionIcon
                  size="xs"
                  variant="subtle"
                  color="gray"
                  aria-label={`Take out ${fieldName(at)}`}
                  onClick={() => props.change(at, undefined)}
                >
                  <Icons.IconCross size={10} />
                </ActionIcon>
              </Group>
              <Any {...props} value={item} was={old[index]} schema={schema?.items} pointer={at} name="" />
            </div>
          );
        })}
        <Button
          size="compact-xs"
          variant="subtle"
          ml={6}
          onClick={() => props.change(join(pointer, value.length), blank(schema?.items))}
        >
          Add one
        </Button>
      </>
    );
  }
  if (value !== null && typeof value === 'object') {
    const names = [...new Set([...Object.keys(schema?.properties ?? {}), ...Object.keys(value)])];
    const before = was !== null && typeof was === 'object' && !Array.isArray(was) ? was : undefined;
    return (
      <>
        {names.map((name) => (
          <Any
            key={name}
            {...props}
            value={value[name] ?? null}
            was={before?.[name]}
            schema={schema?.properties?.[name]}
            pointer={join(pointer, name)}
            name={name}
          />
        ))}
      </>
    );
  }
  return null;
}

function blank(schema: Schema | undefined): Json {
  const kind = kindOf(schema, null);
  return kind === 'object' ? {} : kind === 'array' ? [] : null;
}

function kindOf(schema: Schema | undefined, value: Json): string {
  const types = [schema?.type, ...(schema?.anyOf ?? []).map((it) => it.type)]
    .flat()
    .filter((type) => type && type !== 'null');
  if (types[0]) return types[0] as string;
  if (Array.isArray(value)) return 'array';
  if (value !== null && typeof value === 'object') return 'object';
  return typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : 'string';
}

function Any(props: FieldsProps & { name: string }) {
  const { value, schema, pointer, name } = props;
  const kind = kindOf(schema, value);
  if (kind === 'object' || kind === 'array') {
    const inner = value ?? (kind === 'array' ? [] : {});
    return name === '' ? (
      <Fields {...props} value={inner} />
    ) : (
      <div>
        <div className="field-name" style={{ padding: '4px 6px' }}>
          {words(name)}
        </div>
        <div className="field-group">
          <Fields {...props} value={inner} pointer={pointer} />
        </div>
      </div>
    );
  }
  return <Leaf {...props} kind={kind} />;
}

/** One value: where it stands lights up on the page; what could not be found there says so. */
function Leaf({
  value,
  was,
  schema,
  pointer,
  extraction,
  lit,
  setLit,
  change,
  name,
  kind,
}: FieldsProps & { name: string; kind: string }) {
  const found = extraction.evidence.find((it) => it.field === pointer);
  const ungrounded = extraction.ungrounded.includes(pointer);
  const finding = extraction.findings.find((it) => it.field === pointer);
  const corrected = JSON.stringify(value) !== JSON.stringify(was ?? null);
  const invalid = value !== null && value !== '' ? wrong(value, schema, kind) : null;
  const label = name === '' ? fieldName(pointer) : words(name);
  const shared = {
    size: 'xs' as const,
    'aria-label': label,
    'data-input': pointer,
    error: invalid ?? undefined,
    onFocus: () => setLit(pointer),
  };
  const options = schema?.enum?.filter((option): option is string => typeof option === 'string');
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only lights its place; focus does the same
    <div className="field" data-lit={lit === pointer} onMouseEnter={() => setLit(pointer)}>
      <div className="field-name" title={schema?.description}>
        {label}
      </div>
      {options && options.length > 0 ? (
        <Select
          {...shared}
          data={options}
          value={typeof value === 'string' ? value : null}
          clearable
          onChange={(next) => change(pointer, next)}
        />
      ) : kind === 'boolean' ? (
        <Checkbox
          {...shared}
          checked={value === true}
          onChange={(event) => change(pointer, event.currentTarget.checked)}
        />
      ) : kind === 'number' || kind === 'integer' ? (
        <NumberInput
          {...shared}
          hideControls
          allowDecimal={kind === 'number'}
          value={typeof value === 'number' ? value : ''}
          onChange={(next) => change(pointer, next === '' ? null : Number(next))}
        />
      ) : typeof value === 'string' && value.length > 60 ? (
        <Textarea
          {...shared}
          autosize
          maxRows={8}
          value={value}
          onChange={(event) => change(pointer, event.currentTarget.value)}
        />
      ) : (
        <TextInput
          {...shared}
          value={value === null ? '' : String(value)}
          onChange={(event) => change(pointer, event.currentTarget.value === '' ? null : event.currentTarget.value)}
        />
      )}
      <span>
        {corrected ? (
          <Tooltip label={`Corrected; it was ${JSON.stringify(was ?? null)}`}>
            <span role="img" aria-label="corrected" style={{ color: 'var(--mantine-color-blue-text)' }}>
              <Icons.IconPencil size={14} />
            </span>
          </Tooltip>
        ) : finding ? (
          <Tooltip label={finding.message}>
            <span role="img" aria-label={finding.message} style={{ color: 'var(--mantine-color-orange-text)' }}>
              <Icons.IconWarn size={14} />
            </span>
          </Tooltip>
        ) : ungrounded ? (
          <Tooltip label="Not found on the pages: look closely">
            <span
              role="img"
              aria-label="not found on the pages"
              style={{ color: 'var(--mantine-color-red-text)', fontWeight: 700 }}
            >
              ?
            </span>
          </Tooltip>
        ) : found ? (
          <Tooltip label={`Page ${found.page}: “${cut(found.quote, 80)}”`}>
            <span
              role="img"
              aria-label={`found on page ${found.page}`}
              style={{ color: 'var(--mantine-color-green-text)' }}
            >
              <Icons.IconCheck size={14} />
            </span>
          </Tooltip>
        ) : null}
      </span>
    </div>
  );
}

/** What is wrong with a value, while it is typed; the server checks the whole again. */
function wrong(value: Json, schema: Schema | undefined, kind: string): string | null {
  if (kind === 'integer' && typeof value === 'number' && !Number.isInteger(value)) return 'a whole number';
  if (schema?.format === 'date' && typeof value === 'string' && !/^\d{4}-\d{2}-\d{2}$/.test(value))
    return 'a date like 2026-03-14';
  return null;
}
