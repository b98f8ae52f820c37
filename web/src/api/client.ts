// The one way to the server: typed by its own description, errors as problem documents.
import createClient from 'openapi-fetch';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];
export type Batch = Schemas['BatchView'];
export type BatchDetail = Schemas['BatchDetail'];
export type Doc = Schemas['DocumentView'];
export type DocDetail = Schemas['DocumentDetailView'];
export type Job = Schemas['JobView'];
export type LogLine = Schemas['EventView'];
export type Estimate = Schemas['EstimateView'];

/** Where the dashboard is: `/`, or the path a proxy put it below. */
export const base = new URL(document.baseURI).pathname.replace(/\/$/, '');

export const url = (path: string): string => `${base}/api/v1${path}`;

export const api = createClient<paths>({ baseUrl: window.location.origin + base });

/** What went wrong, as the server says it (RFC 9457), or that it does not answer. */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The data of an answer; throws what went wrong. */
export async function ask<T>(answer: Promise<Answer<T>>): Promise<T> {
  let got: Answer<T>;
  try {
    got = await answer;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ProblemError(
      0,
      'unreachable',
      'The server does not answer.',
      'It may be restarting; this page tries again by itself.',
    );
  }
  if (got.error !== undefined || !got.response.ok) {
    const problem = (got.error ?? {}) as Partial<Schemas['Problem']>;
    throw new ProblemError(
      got.response.status,
      problem.code ?? 'error',
      problem.detail ?? `The server answered ${got.response.status}.`,
      problem.hint ?? undefined,
    );
  }
  return got.data as T;
}
