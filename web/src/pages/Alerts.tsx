// Alerts: what is worth telling, to whom, and what became of it.
import { Alert, Button, Group, NumberInput, Select, Stack, Switch, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { api, ask, type Schemas } from '../api/client';
import { Confirm, Empty, Loading, Trouble, When } from '../components/parts';
import { State } from '../components/state';
import { useTitle } from '../lib/hooks';
import { useMay } from '../lib/session';

type Rule = Schemas['NamedRule'];

const kinds = [
  { value: 'finished', label: 'A batch came to its end' },
  { value: 'paused_itself', label: 'docmill paused a batch by itself' },
  { value: 'budget_used', label: 'A share of a batch’s budget is used' },
  { value: 'failure_rate', label: 'A share of a batch’s documents failed' },
  { value: 'stalled', label: 'A running batch stands still' },
  { value: 'spent_today', label: 'So much was spent today' },
];

function says(rule: Rule): string {
  switch (rule.when) {
    case 'budget_used':
      return `${rule.percent} % of a batch’s budget is used`;
    case 'failure_rate':
      return `${rule.percent} % of a batch’s documents failed (of ${rule.at_least} or more)`;
    case 'stalled':
      return `a running batch stands still for ${rule.minutes} minutes`;
    case 'spent_today':
      return `$${rule.usd} was spent today`;
    case 'paused_itself':
      return 'docmill paused a batch by itself';
    default:
      return 'a batch came to its end';
  }
}

export default function Alerts() {
  useTitle('Alerts');
  const client = useQueryClient();
  const rules = useQuery({ queryKey: ['alerts'], queryFn: () => ask(api.GET('/api/v1/alerts')) });
  const told = useQuery({
    queryKey: ['deliveries'],
    queryFn: () => ask(api.GET('/api/v1/deliveries')),
    refetchInterval: 3_000,
  });
  const [removing, setRemoving] = useState<string | null>(null);
  const mayManage = useMay('manage');
  if (rules.isError) return <Trouble error={rules.error} retry={() => rules.refetch()} />;
  if (!rules.data) return <Loading />;
  const test = async (name: string) => {
    const answer = await ask(api.POST('/api/v1/alerts/{name}/test', { params: { path: { name } } }));
    notifications.show({
      title: answer.delivered ? 'It arrived' : 'It did not arrive',
      message: answer.answer,
      color: answer.delivered ? 'green' : 'red',
      autoClose: 8_000,
    });
  };
  const enable = async (rule: Rule, enabled: boolean) => {
    const { name, is_signed: _, ...rest } = rule;
    await ask(api.PUT('/api/v1/alerts/{name}', { params: { path: { name } }, body: { ...rest, enabled } }));
    await client.invalidateQueries({ queryKey: ['alerts'] });
  };
  return (
    <>
      <h1>Alerts</h1>
      <section className="section" aria-label="Rules">
        <h2>Rules</h2>
        {rules.data.rules.length === 0 ? (
          <Empty title="Nobody is told of anything yet">
            <Text>
              A rule says what is worth telling (a batch ended, its budget is nearly used, calls fail alike) and to
              whom: a webhook, a chat, an e-mail address.
            </Text>
          </Empty>
        ) : (
          <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
            <table className="list">
              <tbody>
                {rules.data.rules.map((rule) => (
                  <tr key={rule.name}>
                    <td style={{ width: 60 }}>
                      <Switch
                        size="xs"
                        aria-label={`${rule.name} is on`}
                        disabled={!mayManage}
                        checked={rule.enabled}
                        onChange={(event) => void enable(rule, event.currentTarget.checked)}
                      />
                    </td>
                    <td>
                      <b>{rule.name}</b>
                      <div className="faint wrap-any" style={{ fontSize: 12 }}>
                        When {says(rule)}, tell {rule.to === 'email' ? rule.address : rule.url}
                        {rule.is_signed && ' (signed)'}
                      </div>
                    </td>
                    <td>
                      {mayManage && (
                        <Group gap={6} justify="flex-end">
                          <Button size="xs" variant="default" onClick={() => void test(rule.name)}>
                            Test
                          </Button>
                          <Button size="xs" variant="subtle" color="red" onClick={() => setRemoving(rule.name)}>
                            Remove
                          </Button>
                        </Group>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      {mayManage && <NewRule emailReady={rules.data.email_ready} />}
      <section className="section" aria-label="What was told">
        <h2>What was told</h2>
        {!told.data || told.data.deliveries.length === 0 ? (
          <Text size="sm">Nothing yet.</Text>
        ) : (
          <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
            <table className="list dense">
              <thead>
                <tr>
                  <th>When</th>
                  <th>State</th>
                  <th>Rule</th>
                  <th>What</th>
                  <th>Answer</th>
                </tr>
              </thead>
              <tbody>
                {told.data.deliveries.map((it) => (
                  <tr key={it.id}>
                    <td>
                      <When at={it.at} />
                    </td>
                    <td>
                      <State of={it.outcome === 'delivered' ? 'done' : it.outcome} />
                    </td>
                    <td>{it.rule}</td>
                    <td>
                      {it.batch === 'all' ? (
                        it.text
                      ) : (
                        <Link to="/batches/$batch" params={{ batch: it.batch }}>
                          {it.text}
                        </Link>
                      )}
                    </td>
                    <td className="one-line" title={it.answer}>
                      {it.answer} {it.tries > 1 && `(${it.tries} tries)`}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Confirm
        opened={removing !== null}
        close={() => setRemoving(null)}
        title={`Remove ${removing}?`}
        action="Remove"
        color="red"
        act={async () => {
          await ask(api.DELETE('/api/v1/alerts/{name}', { params: { path: { name: removing ?? '' } } }));
          await client.invalidateQueries({ queryKey: ['alerts'] });
        }}
      >
        <Text size="sm">Nobody is told by this rule any more; what was told stays in the list.</Text>
      </Confirm>
    </>
  );
}

function NewRule({ emailReady }: { emailReady: boolean }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [when, setWhen] = useState('finished');
  const [percent, setPercent] = useState<string | number>(80);
  const [minutes, setMinutes] = useState<string | number>(10);
  const [usd, setUsd] = useState<string | number>(50);
  const [to, setTo] = useState('webhook');
  const [url, setUrl] = useState('');
  const [secret, setSecret] = useState('');
  const [address, setAddress] = useState('');
  const [error, setError] = useState<unknown>(null);
  const keep = async () => {
    setError(null);
    try {
      const needsPercent = when === 'budget_used' || when === 'failure_rate';
      await ask(
        api.PUT('/api/v1/alerts/{name}', {
          params: { path: { name: name.trim() } },
          body: {
            when,
            percent: needsPercent ? Number(percent) : undefined,
            minutes: when === 'stalled' ? Number(minutes) : undefined,
            usd: when === 'spent_today' ? Number(usd) : undefined,
            to,
            url: to === 'email' ? undefined : url,
            secret: to === 'webhook' && secret !== '' ? secret : undefined,
            address: to === 'email' ? address : undefined,
            enabled: true,
          },
        }),
      );
      setName('');
      setSecret('');
      await client.invalidateQueries({ queryKey: ['alerts'] });
    } catch (error) {
      setError(error);
    }
  };
  return (
    <section className="section" aria-label="New rule">
      <h2>New rule</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void keep();
        }}
      >
        <Stack gap="xs" maw={760}>
          <Group align="flex-end">
            <TextInput
              label="Name"
              w={180}
              required
              maxLength={100}
              value={name}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            <Select
              label="When"
              w={300}
              allowDeselect={false}
              value={when}
              onChange={(value) => setWhen(value ?? when)}
              data={kinds}
            />
            {(when === 'budget_used' || when === 'failure_rate') && (
              <NumberInput label="Percent" w={100} min={1} max={100} value={percent} onChange={setPercent} />
            )}
            {when === 'stalled' && (
              <NumberInput label="Minutes" w={100} min={1} value={minutes} onChange={setMinutes} />
            )}
            {when === 'spent_today' && (
              <NumberInput label="Dollars" prefix="$" w={120} min={0.01} value={usd} onChange={setUsd} />
            )}
          </Group>
          <Group align="flex-end">
            <Select
              label="Tell"
              w={180}
              allowDeselect={false}
              value={to}
              onChange={(value) => setTo(value ?? to)}
              data={[
                { value: 'webhook', label: 'Webhook' },
                { value: 'slack', label: 'Slack-compatible' },
                { value: 'email', label: 'E-mail' },
              ]}
            />
            {to === 'email' ? (
              <TextInput
                label="E-mail address"
                w={300}
                required
                value={address}
                onChange={(event) => setAddress(event.currentTarget.value)}
              />
            ) : (
              <TextInput
                label="Address"
                w={300}
                required
                placeholder="https://"
                value={url}
                onChange={(event) => setUrl(event.currentTarget.value)}
              />
            )}
            {to === 'webhook' && (
              <TextInput
                label="Secret (signs it)"
                w={180}
                type="password"
                autoComplete="new-password"
                value={secret}
                onChange={(event) => setSecret(event.currentTarget.value)}
              />
            )}
            <Button type="submit">Keep the rule</Button>
          </Group>
          {to === 'email' && !emailReady && (
            <Alert color="yellow" p="xs">
              The server names no e-mail server: set DOCMILL_SMTP_URL and DOCMILL_SMTP_FROM, then start it again.
            </Alert>
          )}
          {error !== null && <Trouble error={error} />}
        </Stack>
      </form>
    </section>
  );
}
