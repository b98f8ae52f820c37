// The API, from its own description: every operation, and a way to try it.
import { Button, Code, Group, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { base, ProblemError, url } from '../api/client';
import { Loading, Trouble } from '../components/parts';
import { colorOf } from '../components/state';
import { useTitle } from '../lib/hooks';

type Schema = {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, Schema>;
  items?: Schema;
  required?: string[];
  description?: string;
  enum?: unknown[];
  allOf?: Schema[];
  oneOf?: Schema[];
  additionalProperties?: Schema | boolean;
};
type Parameter = { name: string; in: 'path' | 'query'; required?: boolean; description?: string; schema?: Schema };
type Operation = {
  operationId: string;
  summary?: string;
  tags?: string[];
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema }> }>;
};
type Description = {
  info: { description?: string; version: string };
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
};

const colors: Record<string, string> = { get: 'blue', post: 'green', put: 'orange', patch: 'orange', delete: 'red' };

export default function Reference() {
  useTitle('API');
  const query = useQuery({
    queryKey: ['openapi'],
    queryFn: async () => {
      const answer = await fetch(url('/openapi.json'));
      if (!answer.ok) throw new ProblemError(answer.status, 'error', `The server answered ${answer.status}.`);
      return (await answer.json()) as Description;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [search, setSearch] = useState('');
  if (query.isError) return <Trouble error={query.error} retry={() => query.refetch()} />;
  if (!query.data) return <Loading />;
  const { info, tags, paths, components } = query.data;
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const wanted = search.toLowerCase();
  const shown = all.filter(({ path, operation }) => `${path} ${operation.summary}`.toLowerCase().includes(wanted));
  return (
    <>
      <Group justify="space-between">
        <h1>API</h1>
        <TextInput
          size="xs"
          type="search"
          data-search
          aria-label="Search the API"
          placeholder="Search"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      </Group>
      <Text size="sm" maw={760} mt="xs">
        {info.description} The whole description: <a href={url('/openapi.json')}>openapi.json</a>.
      </Text>
      {(tags ?? []).map((tag) => {
        const operations = shown.filter(({ operation }) => operation.tags?.includes(tag.name));
        if (operations.length === 0) return null;
        return (
          <section className="section" key={tag.name} aria-label={tag.name}>
            <h2>{tag.name}</h2>
            <Text size="sm" c="dimmed">
              {tag.description}
            </Text>
            {operations.map((it) => (
              <One key={it.operation.operationId} {...it} schemas={components?.schemas ?? {}} />
            ))}
          </section>
        );
      })}
    </>
  );
}

function One({
  path,
  method,
  operation,
  schemas,
}: {
  path: string;
  method: string;
  operation: Operation;
  schemas: Record<string, Schema>;
}) {
  const [open, setOpen] = useState(false);
  const body = operation.requestBody?.content['application/json']?.schema;
  return (
    <details
      onToggle={(event) => setOpen(event.currentTarget.open)}
      style={{ borderTop: '1px solid var(--line)', padding: '6px 0', overflowWrap: 'anywhere' }}
    >
      <summary style={{ cursor: 'pointer' }}>
        <span className="state" style={colorOf(colors[method] ?? 'gray')}>
          {method}
        </span>{' '}
        <span className="mono">{path}</span> <span className="faint">{operation.summary?.replaceAll('`', '')}</span>
      </summary>
      {open && (
        <Stack gap="xs" p="sm">
          {operation.responses && (
            <Text size="sm">
              {Object.entries(operation.responses).map(([status, response]) => (
                <span key={status} style={{ marginRight: 16 }}>
                  <b>{status}</b> {response.description}
                </span>
              ))}
            </Text>
          )}
          <Try
            path={path}
            method={method}
            operation={operation}
            example={body ? JSON.stringify(example(body, schemas, 0), null, 2) : ''}
          />
        </Stack>
      )}
    </details>
  );
}

/** Something that fits a schema, to begin from. */
function example(schema: Schema, schemas: Record<string, Schema>, depth: number): unknown {
  if (depth > 5) return null;
  if (schema.$ref) return example(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, schemas, depth + 1);
  const inner = schema.allOf?.[0] ?? schema.oneOf?.find((it) => it.type !== 'null');
  if (inner) return example(inner, schemas, depth + 1);
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type.find((it) => it !== 'null') : schema.type;
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([name]) => depth === 0 && (schema.required ?? []).includes(name))
          .map(([name, it]) => [name, example(it, schemas, depth + 1)]),
      );
    case 'array':
      return [];
    case 'integer':
    case 'number':
      return 1;
    case 'boolean':
      return false;
    default:
      return '';
  }
}

function Try({
  path,
  method,
  operation,
  example,
}: {
  path: string;
  method: string;
  operation: Operation;
  example: string;
}) {
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(example);
  const [answer, setAnswer] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const parameters = operation.parameters ?? [];
  const isStream = path.endsWith('/events');
  const go = async () => {
    let target = path;
    const query = new URLSearchParams();
    for (const it of parameters) {
      const value = values[it.name] ?? '';
      if (it.in === 'path') target = target.replace(`{${it.name}}`, encodeURIComponent(value));
      else if (value !== '') query.set(it.name, value);
    }
    setBusy(true);
    try {
      const search = query.size > 0 ? `?${query}` : '';
      const got = await fetch(`${base}${target}${search}`, {
        method: method.toUpperCase(),
        headers: body ? { 'content-type': 'application/json' } : {},
        body: body && method !== 'get' ? body : undefined,
      });
      const text = await got.text();
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it came.
      }
      setAnswer(`${got.status} ${got.statusText}\n${shown.slice(0, 20_000)}`);
    } catch (error) {
      setAnswer(String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void go();
      }}
    >
      <Stack gap="xs">
        <Group align="flex-end" gap="xs">
          {parameters.map((it) => (
            <TextInput
              key={it.name}
              size="xs"
              w={190}
              label={it.name}
              title={it.description}
              placeholder={it.description}
              required={it.in === 'path'}
              value={values[it.name] ?? ''}
              onChange={(event) => setValues({ ...values, [it.name]: event.currentTarget.value })}
            />
          ))}
        </Group>
        {example !== '' && (
          <Textarea
            size="xs"
            label="Body"
            autosize
            maxRows={16}
            classNames={{ input: 'mono' }}
            value={body}
            onChange={(event) => setBody(event.currentTarget.value)}
          />
        )}
        <Group>
          <Button type="submit" size="xs" variant="default" loading={busy} disabled={isStream}>
            Try it
          </Button>
          {isStream && (
            <Text size="sm" c="dimmed">
              A stream: <code>curl -N {window.location.origin + base + path}</code>
            </Text>
          )}
        </Group>
        {answer !== null && (
          <Code block style={{ whiteSpace: 'pre-wrap', maxHeight: 400, overflow: 'auto' }}>
            {answer}
          </Code>
        )}
      </Stack>
    </form>
  );
}
