// A docmill server of a test's own: real process, real database, in a folder that goes with it.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test as base, expect } from '@playwright/test';

const here = dirname(fileURLToPath(import.meta.url));
export const samples = join(here, '../../samples');
const target = process.env.CARGO_TARGET_DIR ?? join(here, '../../target');
const binary = process.env.DOCMILL_BIN ?? join(target, 'debug/docmill');

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'docmill-browser-'));
  private child: ChildProcess | null = null;
  port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(...more: string[]): Promise<void> {
    const environment = { ...process.env, NO_COLOR: '1', RUST_LOG: 'warn' };
    const child = spawn(
      binary,
      [
        'serve',
        '--data-dir',
        join(this.folder, 'data'),
        '--listen',
        `127.0.0.1:${this.port}`,
        '--root',
        samples,
        '--root',
        this.folder,
        ...more,
      ],
      { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const hear = (data: Buffer) => {
        said += data.toString();
        const found = said.match(/http:\/\/127\.0\.0\.1:(\d+)/);
        if (found) {
          this.port = Number(found[1]);
          resolve();
        }
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.on('error', reject);
      child.on('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    });
  }

  /** As `kill -9` does. */
  async kill(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async post<T>(path: string, body?: unknown, method = 'POST'): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  async get<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** A folder of so many small receipts, all different. */
  pile(name: string, documents: number): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    for (let number = 0; number < documents; number += 1) {
      const text = `RECEIPT ${number}\nThe Corner Shop\nDate: 2026-03-${String((number % 28) + 1).padStart(2, '0')}\nTOTAL ${number}.50 EUR\n`;
      writeFileSync(join(folder, `receipt-${String(number).padStart(6, '0')}.txt`), text);
    }
    return folder;
  }

  /** A batch of a folder, waiting in this state. */
  async batch(source: string, more: object, state: string | null): Promise<string> {
    const made = await this.post<{ id: string }>('/batches', {
      sources: [source],
      template: 'receipt',
      model: 'offline',
      ...more,
    });
    if (state) await this.reaches(made.id, state);
    return made.id;
  }

  async reaches(batch: string, state: string, timeout = 60_000): Promise<void> {
    await expect
      .poll(async () => (await this.get<{ state: string }>(`/batches/${batch}`)).state, {
        timeout,
        intervals: [50, 100],
      })
      .toBe(state);
  }
}

export const test = base.extend<{ server: Server }>({
  // biome-ignore lint/correctness/noEmptyPattern: the test runner asks for a pattern here
  server: async ({}, use) => {
    const server = new Server();
    await server.start();
    await use(server);
    await server.kill();
    server.remove();
  },
});

export { expect };
