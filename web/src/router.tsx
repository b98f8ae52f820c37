// Every page and what its address may say. Pages load when they are opened.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { base } from './api/client';
import { NotFound, Shell } from './Shell';

type Search = Record<string, unknown>;
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
const number = (value: unknown): number | undefined => {
  const found = Number(value);
  return value !== undefined && value !== '' && Number.isFinite(found) ? found : undefined;
};

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

export type BatchesSearch = {
  state?: string;
  search?: string;
  sort?: string;
  order?: string;
  archived?: boolean;
  page?: number;
};
const batches = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: (search: Search): BatchesSearch => ({
    state: text(search.state),
    search: text(search.search),
    sort: text(search.sort),
    order: text(search.order),
    archived: search.archived === true || undefined,
    page: number(search.page),
  }),
  component: lazyRouteComponent(() => import('./pages/Batches')),
});

const fresh = createRoute({
  getParentRoute: () => root,
  path: '/new',
  validateSearch: (search: Search): { batch?: string } => ({ batch: text(search.batch) }),
  component: lazyRouteComponent(() => import('./pages/New')),
});

const batch = createRoute({
  getParentRoute: () => root,
  path: '/batches/$batch',
  component: lazyRouteComponent(() => import('./pages/Batch')),
});

export type DocumentsSearch = {
  state?: string;
  kind?: string;
  class?: string;
  error_code?: string;
  search?: string;
  review?: string;
  risk_at_least?: number;
  cost_at_least_usd?: number;
  where?: string;
  sort?: string;
  order?: string;
  page?: number;
  limit?: number;
  /** Columns of a view, apart by commas; absent: those this browser remembers. */
  columns?: string;
};
export const documentsSearch = (search: Search): DocumentsSearch => ({
  state: text(search.state),
  kind: text(search.kind),
  class: text(search.class),
  error_code: text(search.error_code),
  search: text(search.search),
  review: text(search.review),
  risk_at_least: number(search.risk_at_least),
  cost_at_least_usd: number(search.cost_at_least_usd),
  where: text(search.where),
  sort: text(search.sort),
  order: text(search.order),
  page: number(search.page),
  limit: number(search.limit),
  columns: text(search.columns),
});
const documents = createRoute({
  getParentRoute: () => root,
  path: '/batches/$batch/documents',
  validateSearch: documentsSearch,
  component: lazyRouteComponent(() => import('./pages/Documents')),
});

const one = createRoute({
  getParentRoute: () => root,
  path: '/batches/$batch/documents/$document',
  validateSearch: documentsSearch,
  component: lazyRouteComponent(() => import('./pages/Document')),
});

const review = createRoute({
  getParentRoute: () => root,
  path: '/review',
  validateSearch: (search: Search): { batch?: string } => ({ batch: text(search.batch) }),
  component: lazyRouteComponent(() => import('./pages/Review')),
});

const analytics = createRoute({
  getParentRoute: () => root,
  path: '/analytics',
  validateSearch: (search: Search): { range?: string; batch?: string; beside?: string } => ({
    range: text(search.range),
    batch: text(search.batch),
    beside: text(search.beside),
  }),
  component: lazyRouteComponent(() => import('./pages/Analytics')),
});

const templates = createRoute({
  getParentRoute: () => root,
  path: '/templates',
  validateSearch: (search: Search): { name?: string } => ({ name: text(search.name) }),
  component: lazyRouteComponent(() => import('./pages/Templates')),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./pages/Alerts')),
});

const reference = createRoute({
  getParentRoute: () => root,
  path: '/reference',
  component: lazyRouteComponent(() => import('./pages/Reference')),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('./pages/Settings')),
});

export const router = createRouter({
  routeTree: root.addChildren([
    batches,
    fresh,
    batch,
    documents,
    one,
    review,
    analytics,
    templates,
    alerts,
    reference,
    settings,
  ]),
  basepath: base === '' ? '/' : base,
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
