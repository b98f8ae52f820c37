// What stands around every page: the ways to go, the palette, signing in.
import {
  ActionIcon,
  Button,
  Divider,
  Kbd,
  Menu,
  Modal,
  PasswordInput,
  Stack,
  Table,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core';
import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import { api, ask, ProblemError, url } from './api/client';
import * as Icons from './components/icons';
import { Empty, Loading, Trouble } from './components/parts';
import { words } from './lib/format';
import { useEscape, useKeys } from './lib/hooks';
import { useMay, useSession } from './lib/session';

const ways = [
  { to: '/', name: 'Batches', icon: Icons.IconList },
  { to: '/review', name: 'Review', icon: Icons.IconEye },
  { to: '/analytics', name: 'Analytics', icon: Icons.IconChart },
  { to: '/templates', name: 'Templates', icon: Icons.IconFile },
  { to: '/alerts', name: 'Alerts', icon: Icons.IconBell },
  { to: '/settings', name: 'Settings', icon: Icons.IconGear },
  { to: '/reference', name: 'API', icon: Icons.IconCode },
] as const;

export function Shell() {
  const [help, setHelp] = useState(false);
  useEscape();
  useKeys({
    '?': () => setHelp(true),
    '/': () =>
      (
        document.querySelector<HTMLInputElement>('[data-search]') ??
        document.querySelector<HTMLInputElement>('input[type=search]')
      )?.focus(),
  });
  const session = useSession();
  const locked = session.data?.role === 'nobody';
  return (
    <div className="shell">
      <a className="skip-link" href="#main">
        Skip to the content
      </a>
      <nav className="side" aria-label="Pages">
        <Link className="brand" to="/" aria-label="docmill: all batches">
          <img src="icon.svg" alt="" width={22} height={22} />
          <span>docmill</span>
        </Link>
        {ways.map((way) => (
          <Link
            key={way.to}
            className="nav-link"
            to={way.to}
            activeOptions={{ exact: way.to === '/', includeSearch: false }}
            aria-label={way.name}
          >
            <way.icon />
            <span className="wide">{way.name}</span>
          </Link>
        ))}
        <div className="side-foot">
          {session.data?.ends_at && <SignedIn name={session.data.name} role={session.data.role} />}
          <Scheme />
          <Tooltip label="Go anywhere (Ctrl-K)">
            <ActionIcon variant="subtle" color="gray" aria-label="Go anywhere" onClick={() => spotlight.open()}>
              <Icons.IconSearch />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Keys (?)">
            <ActionIcon visibleFrom="sm" variant="subtle" color="gray" aria-label="Keys" onClick={() => setHelp(true)}>
              <Text size="sm" fw={600}>
                ?
              </Text>
            </ActionIcon>
          </Tooltip>
        </div>
      </nav>
      <main className="main" id="main" tabIndex={-1}>
        {locked ? (
          <SignIn />
        ) : (
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        )}
      </main>
      <Palette />
      <Keys opened={help} close={() => setHelp(false)} />
    </div>
  );
}

/** Who is signed in, and the ways out. */
function SignedIn({ name, role }: { name: string; role: string }) {
  const client = useQueryClient();
  const out = async (everywhere: boolean) => {
    await ask(everywhere ? api.DELETE('/api/v1/sessions') : api.DELETE('/api/v1/session'));
    client.clear();
    await client.invalidateQueries();
    window.location.reload();
  };
  return (
    <Menu position="right-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={`Signed in as ${name}`}>
          <Icons.IconPerson />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {name}, {role}
        </Menu.Label>
        <Menu.Item onClick={() => void out(false)}>Sign out</Menu.Item>
        <Menu.Item onClick={() => void out(true)}>Sign out in all browsers</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Make it ${other}`}>
      <ActionIcon variant="subtle" color="gray" aria-label={`Make it ${other}`} onClick={() => setColorScheme(other)}>
        {scheme === 'dark' ? <Icons.IconSun /> : <Icons.IconMoon />}
      </ActionIcon>
    </Tooltip>
  );
}

function Palette() {
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const batches = useQuery({
    queryKey: ['palette', query],
    queryFn: ({ signal }) =>
      ask(
        api.GET('/api/v1/batches', {
          params: { query: { search: query || undefined, limit: 8, sort: 'updated' } },
          signal,
        }),
      ),
    enabled: query !== '',
    placeholderData: (before) => before,
  });
  const batch = useParams({ strict: false, select: (params) => ('batch' in params ? params.batch : undefined) });
  const documents = useQuery({
    queryKey: ['palette', batch, query],
    queryFn: ({ signal }) =>
      ask(
        api.GET('/api/v1/batches/{batch}/documents', {
          params: { path: { batch: batch ?? '' }, query: { search: query, limit: 8 } },
          signal,
        }),
      ),
    // Shorter ones match nearly everything.
    enabled: !!batch && query.length >= 3,
    placeholderData: (before) => before,
  });
  const mayRun = useMay('run');
  const found = batch && query.length >= 3 ? (documents.data?.documents ?? []) : [];
  const actions: SpotlightActionData[] = [
    ...(mayRun
      ? [
          {
            id: 'new',
            label: 'New batch',
            description: 'Documents, template, model, estimate',
            onClick: () => void navigate({ to: '/new' }),
          },
        ]
      : []),
    ...ways.map((way) => ({ id: way.to, label: way.name, onClick: () => void navigate({ to: way.to }) })),
    ...(batches.data?.batches ?? []).map((batch) => ({
      id: batch.id,
      label: batch.name,
      description: `${words(batch.state)}, ${batch.documents.total} documents`,
      onClick: () => void navigate({ to: '/batches/$batch', params: { batch: batch.id } }),
    })),
    ...found.map((doc) => ({
      id: `document ${doc.document}`,
      label: doc.name,
      description: `${words(doc.state)}, document ${doc.document} of this batch`,
      onClick: () =>
        void navigate({
          to: '/batches/$batch/documents/$document',
          params: { batch: batch ?? '', document: String(doc.document) },
        }),
    })),
  ];
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      nothingFound="Nothing of this name"
      highlightQuery
      searchProps={{
        placeholder: 'A page, a batch, or a document of this batch, by name',
        'aria-label': 'Go anywhere',
      }}
      shortcut={['mod + K']}
      tagsToIgnore={[]}
      triggerOnContentEditable
    />
  );
}

const keys: [string, string][] = [
  ['Ctrl K', 'Go anywhere'],
  ['/', 'Search'],
  ['?', 'These keys'],
  ['j  k', 'Next and previous document'],
  ['a', 'Approve, and go on'],
  ['r', 'Reject, and go on'],
  ['e', 'Edit the first field'],
  ['+  −  0', 'Zoom in, out, fit'],
];

function Keys({ opened, close }: { opened: boolean; close: () => void }) {
  return (
    <Modal opened={opened} onClose={close} title="Keys" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Table>
        <Table.Tbody>
          {keys.map(([key, what]) => (
            <Table.Tr key={key}>
              <Table.Td>
                <Kbd>{key}</Kbd>
              </Table.Td>
              <Table.Td>{what}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}

/** Why the identity provider's answer signed nobody in, by the server's word for it. */
const notSignedIn: Record<string, string> = {
  unreachable: 'The identity provider cannot be asked at the moment. The log of the server says why.',
  denied: 'The identity provider refused.',
  expired: 'That sign-in was begun in another browser, or too long ago. Begin again.',
  invalid: 'What the identity provider said is not valid. The log of the server says why.',
  no_role: 'You are known there, but nothing says what you may do here. Ask whoever runs this server.',
};

function SignIn() {
  const provider = useSession().data?.identity_provider ?? null;
  const here = new URL(window.location.href);
  const refused = here.searchParams.get('sign_in');
  here.searchParams.delete('sign_in');
  const [key, setKey] = useState('');
  const [error, setError] = useState<unknown>(null);
  const client = useQueryClient();
  const go = async () => {
    try {
      await ask(api.POST('/api/v1/session', { body: { key } }));
      await client.invalidateQueries();
    } catch (error) {
      setError(error instanceof ProblemError ? error : new Error('The key could not be tried.'));
    }
  };
  return (
    <Stack maw={380} mx="auto" mt={80}>
      <h1>Sign in</h1>
      {provider !== null && (
        <Button component="a" href={`${url('/session/oidc')}?to=${encodeURIComponent(here.pathname + here.search)}`}>
          Sign in with {provider}
        </Button>
      )}
      {refused !== null && <Trouble error={new Error(notSignedIn[refused] ?? 'You were not signed in.')} />}
      {provider !== null && <Divider label="or with a key" />}
      <Text size="sm" c="dimmed">
        This server asks for a key. Whoever runs it makes one with <code>docmill key add</code>.
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <Stack>
          <PasswordInput label="Key" value={key} onChange={(event) => setKey(event.currentTarget.value)} autoFocus />
          {error !== null && <Trouble error={error} />}
          <Button type="submit" disabled={key === ''}>
            Sign in
          </Button>
        </Stack>
      </form>
    </Stack>
  );
}

export function NotFound() {
  return (
    <Empty title="There is nothing here">
      <Text>
        The address names no page. <Link to="/">All batches</Link>
      </Text>
    </Empty>
  );
}
