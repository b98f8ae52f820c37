// Dialogs that steer a batch: its budget, its pace, its name.
import { Button, Checkbox, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, ask, type BatchDetail } from '../api/client';
import { counted, money } from '../lib/format';
import { Confirm } from './parts';

export function Budget({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const spent = batch.money.settled_usd + batch.money.reserved_usd + batch.money.unconfirmed_usd;
  const called = batch.documents.completed + batch.documents.failed;
  const each = called > 0 ? batch.money.settled_usd / called : (batch.estimate?.total.cost_per_document_usd ?? 0);
  const rest = (batch.documents.pending + batch.documents.leased) * each;
  const wanted = called > 0 && rest > 0 ? spent + rest * 1.2 : (batch.estimate?.recommended_budget_usd ?? 0);
  const recommended = wanted > 0 ? Math.max(0.01, Math.ceil(wanted * 100) / 100) : null;
  const [budget, setBudget] = useState<number | string>(recommended ?? batch.money.budget_usd ?? '');
  const [none, setNone] = useState(false);
  const client = useQueryClient();
  const value = none ? null : Number(budget);
  return (
    <Confirm
      opened
      close={close}
      title="Budget"
      action={batch.state === 'budget_exhausted' ? 'Raise it and go on' : 'Set the budget'}
      act={async () => {
        const view = await ask(
          api.PUT('/api/v1/batches/{batch}/budget', {
            params: { path: { batch: batch.id } },
            body: { budget_usd: value },
          }),
        );
        client.setQueryData<BatchDetail>(['batch', batch.id], (old) => (old ? { ...old, ...view } : old));
      }}
    >
      <NumberInput
        label="Dollars"
        prefix="$"
        min={0}
        decimalScale={4}
        value={budget}
        onChange={setBudget}
        disabled={none}
        data-autofocus
        description={recommended !== null ? `${money(recommended)} should do for what is left` : undefined}
      />
      <Checkbox label="No limit" checked={none} onChange={(event) => setNone(event.currentTarget.checked)} />
      <Text size="sm" c="dimmed">
        {money(spent)} is spent or held back. The budget is a wall: no call is made whose worst case would not fit
        behind it.
        {value !== null && value < spent && ' Below what is spent already, no further call is made.'}
        {batch.state === 'budget_exhausted' && ' With more than before, the batch goes on at once.'}
      </Text>
    </Confirm>
  );
}

export function Pace({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const [concurrency, setConcurrency] = useState<number | string>(batch.concurrency ?? batch.live?.lane_places ?? 8);
  const [priority, setPriority] = useState(batch.priority);
  const [between, setBetween] = useState(batch.between ?? '');
  const client = useQueryClient();
  return (
    <Confirm
      opened
      close={close}
      title="Concurrency, priority and hours"
      action="Change"
      act={async () => {
        const view = await ask(
          api.PATCH('/api/v1/batches/{batch}', {
            params: { path: { batch: batch.id } },
            body: { concurrency: Number(concurrency), priority, between },
          }),
        );
        client.setQueryData<BatchDetail>(['batch', batch.id], view);
      }}
    >
      <NumberInput
        label="Calls in flight at most"
        min={1}
        max={10_000}
        value={concurrency}
        onChange={setConcurrency}
        data-autofocus
      />
      <Select
        label="Priority"
        description="Its share of a limit that other running batches want too."
        data={[
          { value: 'high', label: 'High: four times the share of a normal one' },
          { value: 'normal', label: 'Normal' },
          { value: 'low', label: 'Low: a quarter of the share of a normal one' },
        ]}
        value={priority}
        onChange={(value) => setPriority(value ?? 'normal')}
        allowDeselect={false}
      />
      <TextInput
        label="Only between"
        description="Hours of the server’s day in which it may call; empty: at any time."
        placeholder="22:00-06:00"
        value={between}
        onChange={(event) => setBetween(event.currentTarget.value)}
      />
      <Text size="sm" c="dimmed">
        Felt within a second. What is in flight stays in flight; a provider’s rate limit is kept whatever stands here.
      </Text>
    </Confirm>
  );
}

export function Rename({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const [name, setName] = useState(batch.name);
  const client = useQueryClient();
  return (
    <Modal opened onClose={close} title="Rename" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          const view = await ask(
            api.PATCH('/api/v1/batches/{batch}', { params: { path: { batch: batch.id } }, body: { name } }),
          );
          client.setQueryData<BatchDetail>(['batch', batch.id], view);
          close();
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            value={name}
            maxLength={200}
            required
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <Group justify="flex-end">
            <Button type="submit">Rename</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

export function Forget({ batch, close }: { batch: BatchDetail; close: () => void }) {
  const [typed, setTyped] = useState('');
  const client = useQueryClient();
  return (
    <Confirm
      opened
      close={close}
      title="Forget what was learned"
      action="Forget it"
      color="red"
      disabled={typed !== batch.name}
      act={async () => {
        await ask(api.POST('/api/v1/batches/{batch}/forget', { params: { path: { batch: batch.id } }, body: {} }));
        await client.invalidateQueries();
      }}
    >
      <Text size="sm">
        Results, answers, reviews, names and places of {counted(batch.documents.total, 'document')} go, with their
        readings, uploaded files and exports. What was spent stays, for the books; so do documents that lie elsewhere,
        and backups taken before. It cannot be undone.
      </Text>
      <TextInput
        label={`Type the batch’s name: ${batch.name}`}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        data-autofocus
      />
    </Confirm>
  );
}
