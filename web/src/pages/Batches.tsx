// All batches: where each stands, what it costs, when it will be done.
import {
  ActionIcon,
  Button,
  Group,
  Menu,
  Pagination,
  SegmentedControl,
  Select,
  Switch,
  Text,
  TextInput,
} from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { api, ask, type Batch } from '../api/client';
import { useStream } from '../api/live';
import { Connected } from '../components/connected';
import * as Icons from '../components/icons';
import { BudgetBar, CountersBar, Empty, Figure, Loading, Trouble, When } from '../components/parts';
import { State } from '../components/state';
import { count, counted, cut, duration, money, percent, rate } from '../lib/format';
import { useTitle } from '../lib/hooks';
import { useMay } from '../lib/session';

const route = getRouteApi('/');
const PAGE = 50;

/** What people look for, as states. */
const groups: Record<string, string | undefined> = {
  all: undefined,
  active: 'draft,estimating,ready,running,paused',
  attention: 'paused,budget_exhausted,completed_with_failures,failed',
  done: 'completed,completed_with_failures,cancelled',
};

export default function Batches() {
  useTitle('Batches');
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const [typed, setTyped] = useState(search.search ?? '');
  const set = (change: Partial<typeof search>) =>
    navigate({ search: (before) => ({ ...before, page: undefined, ...change }), replace: true });

  useEffect(() => {
    const timer = setTimeout(() => {
      if ((search.search ?? '') !== typed) void set({ search: typed || undefined });
    }, 150);
    return () => clearTimeout(timer);
  });

  const key = ['batches', search];
  const list = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      ask(
        api.GET('/api/v1/batches', {
          params: {
            query: {
              state: groups[search.state ?? 'all'] ?? undefined,
              search: search.search,
              archived: search.archived,
              sort: search.sort,
              order: search.order,
              page: search.page,
              limit: PAGE,
            },
          },
          signal,
        }),
      ),
    placeholderData: (before) => before,
    refetchInterval: 15_000,
  });
  const totals = useQuery({
    queryKey: ['totals'],
    queryFn: () => ask(api.GET('/api/v1/totals')),
    refetchInterval: 10_000,
  });

  const connection = useStream(
    '/events',
    {
      batches: (running: Batch[]) => {
        const fresh = new Map(running.map((batch) => [batch.id, batch]));
        let isNew = false;
        client.setQueryData<typeof list.data>(key, (before) => {
          if (!before) return before;
          const known = new Set(before.batches.map((batch) => batch.id));
          isNew = running.some((batch) => !known.has(batch.id));
          return { ...before, batches: before.batches.map((batch) => fresh.get(batch.id) ?? batch) };
        });
        if (isNew) void client.invalidateQueries({ queryKey: ['batches'] });
      },
      ended: () => {
        void client.invalidateQueries({ queryKey: ['batches'] });
        void client.invalidateQueries({ queryKey: ['totals'] });
      },
    },
    () => client.refetchQueries({ queryKey: ['batches'] }, { throwOnError: true }),
  );

  const archive = async (batch: Batch) => {
    await ask(
      api.PATCH('/api/v1/batches/{batch}', {
        params: { path: { batch: batch.id } },
        body: { archived: !batch.archived_at },
      }),
    );
    await client.invalidateQueries({ queryKey: ['batches'] });
  };

  const mayRun = useMay('run');
  const data = list.data;
  const pages = data ? Math.ceil(data.matching / PAGE) : 1;
  const isPlain = !search.state && !search.search && !search.archived;
  return (
    <>
      <Group justify="space-between" mb="md" wrap="nowrap">
        <h1>Batches</h1>
        <Group gap="sm" wrap="nowrap">
          <Connected connection={connection} />
          {mayRun && (
            <Button component={Link} to="/new" leftSection={<Icons.IconPlus />}>
              New batch
            </Button>
          )}
        </Group>
      </Group>
      <div className="figures">
        <Figure
          label="Spent today"
          value={totals.data ? money(totals.data.today_usd) : '–'}
          note={totals.data?.day_budget_usd ? `of ${money(totals.data.day_budget_usd)} a day` : 'no limit for a day'}
        />
        <Figure
          label="This month"
          value={totals.data ? money(totals.data.month_usd) : '–'}
          note={
            totals.data?.month_budget_usd ? `of ${money(totals.data.month_budget_usd)} a month` : 'no limit for a month'
          }
        />
        <Figure
          label="Completed today"
          value={totals.data ? count(totals.data.documents_today) : '–'}
          note="documents"
        />
        <Figure
          label="Running"
          value={totals.data ? count(totals.data.running) : '–'}
          note={
            totals.data && totals.data.running > 0 ? rate(totals.data.documents_per_second) : 'nothing at the moment'
          }
        />
      </div>
      <Group mt="md" mb="xs" gap="sm">
        <SegmentedControl
          size="xs"
          aria-label="Which batches"
          value={search.state ?? 'all'}
          onChange={(state) => set({ state: state === 'all' ? undefined : state })}
          data={[
            { value: 'all', label: 'All' },
            { value: 'active', label: 'Not done' },
            { value: 'attention', label: 'Need attention' },
            { value: 'done', label: 'Done' },
          ]}
        />
        <TextInput
          size="xs"
          type="search"
          data-search
          aria-label="Search batches by name"
          placeholder="Search by name"
          leftSection={<Icons.IconSearch size={14} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
        <Select
          size="xs"
          w={170}
          aria-label="Sort by"
          allowDeselect={false}
          value={`${search.sort ?? 'created'} ${search.order ?? 'desc'}`}
          onChange={(value) => {
            const [sort, order] = (value ?? 'created desc').split(' ');
            void set({
              sort: sort === 'created' && order === 'desc' ? undefined : sort,
              order: order === 'desc' ? undefined : order,
            });
          }}
          data={[
            { value: 'created desc', label: 'Newest first' },
            { value: 'created asc', label: 'Oldest first' },
            { value: 'updated desc', label: 'Last changed' },
            { value: 'name asc', label: 'Name' },
            { value: 'cost desc', label: 'Dearest' },
            { value: 'documents desc', label: 'Largest' },
          ]}
        />
        <Switch
          size="xs"
          label="Archived"
          checked={search.archived ?? false}
          onChange={(event) => set({ archived: event.currentTarget.checked || undefined })}
        />
      </Group>
      {list.isError && !data ? (
        <Trouble error={list.error} retry={() => list.refetch()} />
      ) : !data ? (
        <Loading rows={8} height={36} />
      ) : data.batches.length === 0 ? (
        isPlain ? (
          <Empty title="No batches yet">
            <Text>
              A batch is a pile of documents processed with one template, one model and one budget. You hear what it
              will cost before anything is spent.
            </Text>
            {mayRun && (
              <Button component={Link} to="/new" leftSection={<Icons.IconPlus />}>
                Make the first batch
              </Button>
            )}
            <Text size="sm">
              Or in a terminal: <code>docmill run ~/receipts --template receipt</code>
            </Text>
          </Empty>
        ) : (
          <Empty title="No batch fits">
            <Button variant="default" onClick={() => navigate({ search: {} })}>
              Show all
            </Button>
          </Empty>
        )
      ) : (
        <div className="table-wrap" tabIndex={0} role="group" aria-label="Table">
          <table className="list">
            <thead>
              <tr>
                <th>Batch</th>
                <th>State</th>
                <th style={{ width: '22%' }}>Documents</th>
                <th className="num">Speed</th>
                <th className="num">Done in</th>
                <th style={{ width: '14%' }}>Cost</th>
                <th className="hide-narrow">Owner</th>
                <th className="num">Made</th>
                <th aria-label="Actions" />
              </tr>
            </thead>
            <tbody>
              {data.batches.map((batch) => (
                <Row key={batch.id} batch={batch} archive={() => void archive(batch)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {data && pages > 1 && (
        <Group justify="space-between" mt="sm">
          <Text size="sm" c="dimmed">
            {counted(data.matching, 'batch').replace('batchs', 'batches')}
          </Text>
          <Pagination
            size="sm"
            total={pages}
            value={search.page ?? 1}
            onChange={(page) => set({ page: page === 1 ? undefined : page })}
          />
        </Group>
      )}
    </>
  );
}

function Row({ batch, archive }: { batch: Batch; archive: () => void }) {
  const mayRun = useMay('run');
  const { documents, live } = batch;
  const done = documents.completed + documents.failed + documents.skipped + documents.cancelled;
  return (
    <tr>
      <td>
        <Link to="/batches/$batch" params={{ batch: batch.id }} title={batch.name} style={{ fontWeight: 600 }}>
          {cut(batch.name, 44)}
        </Link>
        <div className="faint" style={{ fontSize: 12 }}>
          {batch.template} · {cut(batch.model, 30)}
        </div>
      </td>
      <td>
        <State of={batch.state} />
      </td>
      <td>
        <div style={{ minWidth: 120 }}>
          <CountersBar batch={batch} size={6} />
          <div className="faint" style={{ fontSize: 12, marginTop: 3 }}>
            {count(done)} of {count(documents.total)}
            {documents.total > 0 &&
              done < documents.total &&
              ` · ${percent(Math.floor((done / documents.total) * 100) / 100)}`}
            {documents.failed > 0 && ` · ${count(documents.failed)} failed`}
          </div>
        </div>
      </td>
      <td className="num">{live && live.documents_per_second > 0 ? rate(live.documents_per_second) : '–'}</td>
      <td className="num">{live?.eta_seconds != null ? duration(live.eta_seconds) : '–'}</td>
      <td>
        <div style={{ minWidth: 90 }}>
          {money(batch.money.settled_usd)}
          {batch.money.budget_usd != null && <span className="faint"> of {money(batch.money.budget_usd)}</span>}
          <BudgetBar batch={batch} size={4} />
        </div>
      </td>
      <td className="hide-narrow">{batch.owner || '–'}</td>
      <td className="num">
        <When at={batch.created_at} />
      </td>
      <td>
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" aria-label={`Actions for ${batch.name}`}>
              <Icons.IconMore />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item component={Link} to={`/batches/${batch.id}/documents`}>
              Documents
            </Menu.Item>
            <Menu.Item onClick={archive} disabled={!mayRun || (batch.state === 'running' && !batch.archived_at)}>
              {batch.archived_at ? 'Take out of the archive' : 'Archive'}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </td>
    </tr>
  );
}
