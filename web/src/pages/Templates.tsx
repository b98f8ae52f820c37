// Templates: what can be taken out of documents; people's own are edited here.
import { Button, Group, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, ask } from '../api/client';
import { Confirm, Loading, Trouble } from '../components/parts';
import { counted } from '../lib/format';
import { useTitle } from '../lib/hooks';

const route = getRouteApi('/templates');

export default function Templates() {
  useTitle('Templates');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const list = useQuery({ queryKey: ['templates'], queryFn: () => ask(api.GET('/api/v1/templates')) });
  if (list.isError) return <Trouble error={list.error} retry={() => list.refetch()} />;
  if (!list.data) return <Loading />;
  const name = search.name ?? list.data.templates[0]?.name;
  return (
    <>
      <h1>Templates</h1>
      <div className="two">
        <section className="section" aria-label="All templates">
          <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
            <table className="list">
              <thead>
                <tr>
                  <th>Template</th>
                  <th>What it takes out</th>
                  <th className="num">Fields</th>
                </tr>
              </thead>
              <tbody>
                {list.data.templates.map((template) => (
                  <tr key={template.name} data-current={template.name === name}>
                    <td>
                      <Button
                        variant="subtle"
                        size="compact-sm"
                        onClick={() => navigate({ search: { name: template.name } })}
                      >
                        {template.name}
                      </Button>
                    </td>
                    <td>
                      {template.description} {!template.built_in && <span className="faint">(your own)</span>}
                    </td>
                    <td className="num">{template.fields.length}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
        {name && <One key={name} name={name} />}
      </div>
    </>
  );
}

function One({ name }: { name: string }) {
  const client = useQueryClient();
  const navigate = route.useNavigate();
  const one = useQuery({
    queryKey: ['template', name],
    queryFn: () => ask(api.GET('/api/v1/templates/{name}', { params: { path: { name } } })),
  });
  const [text, setText] = useState<string | null>(null);
  const [as, setAs] = useState('');
  const [settled, setSettled] = useState('');
  const [removing, setRemoving] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const shown = text ?? one.data?.text ?? '';
  useEffect(() => {
    const timer = setTimeout(() => setSettled(shown), 300);
    return () => clearTimeout(timer);
  }, [shown]);
  const check = useQuery({
    queryKey: ['check', settled],
    queryFn: ({ signal }) => ask(api.POST('/api/v1/templates/check', { body: { text: settled }, signal })),
    enabled: settled !== '',
    placeholderData: (before) => before,
  });
  if (one.isError) return <Trouble error={one.error} retry={() => one.refetch()} />;
  if (!one.data) return <Loading />;
  const target = as || (one.data.built_in ? `my-${name}` : name);
  const save = async () => {
    setError(null);
    try {
      await ask(api.PUT('/api/v1/templates/{name}', { params: { path: { name: target } }, body: { text: shown } }));
      await client.invalidateQueries({ queryKey: ['templates'] });
      await client.invalidateQueries({ queryKey: ['template', target] });
      notifications.show({ message: `Template ${target} is kept`, color: 'green' });
      await navigate({ search: { name: target } });
    } catch (error) {
      setError(error);
    }
  };
  return (
    <section className="section" aria-label={`Template ${name}`}>
      <Stack gap="xs">
        <Textarea
          label={`${name} (TOML, JSON, or a JSON Schema)`}
          autosize
          minRows={12}
          maxRows={30}
          classNames={{ input: 'mono' }}
          spellCheck={false}
          value={shown}
          onChange={(event) => setText(event.currentTarget.value)}
          error={check.data?.error ?? undefined}
        />
        {check.data?.template && (
          <Text size="sm" c="dimmed">
            {counted(check.data.template.fields.length, 'field')}:{' '}
            {check.data.template.fields.map((field) => field.name).join(', ')}
          </Text>
        )}
        {check.data?.template?.warnings.map((warning) => (
          <Text size="sm" c="orange" key={warning.at + warning.message}>
            {warning.at} {warning.message}
          </Text>
        ))}
        {error !== null && <Trouble error={error} />}
        <Group align="flex-end">
          <TextInput
            label="Keep as"
            value={as}
            placeholder={target}
            onChange={(event) => setAs(event.currentTarget.value)}
          />
          <Button onClick={() => void save()} disabled={!!check.data?.error}>
            Keep
          </Button>
          {!one.data.built_in && (
            <Button variant="subtle" color="red" onClick={() => setRemoving(true)}>
              Remove
            </Button>
          )}
        </Group>
      </Stack>
      <Confirm
        opened={removing}
        close={() => setRemoving(false)}
        title={`Remove ${name}?`}
        action="Remove"
        color="red"
        act={async () => {
          await ask(api.DELETE('/api/v1/templates/{name}', { params: { path: { name } } }));
          await navigate({ search: {} });
          await client.invalidateQueries({ queryKey: ['templates'] });
        }}
      >
        <Text size="sm">Batches made with it keep their own copy.</Text>
      </Confirm>
    </section>
  );
}
