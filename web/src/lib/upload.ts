// Uploads: a few files at a time, each in pieces; after a broken connection each goes on where it was.

export type Found = { path: string; file: File };
export type UploadState = {
  files: number;
  filesDone: number;
  bytes: number;
  sent: number;
  failures: string[];
  waiting: boolean;
  done: boolean;
};

const AT_ONCE = 4;
const PIECE = 8 * 1024 * 1024;
const PORTION = 500;
const SAY_MS = 150;
const RETRY_MS = 1_500;

/** Everything that was dropped, folders with what is in them. */
export async function collect(data: DataTransfer): Promise<Found[]> {
  const entries = [...data.items]
    .map((item) => item.webkitGetAsEntry?.())
    .filter((entry) => entry !== null && entry !== undefined);
  if (entries.length === 0) return [...data.files].map((file) => ({ path: file.name, file }));
  const found: Found[] = [];
  const walk = async (entry: FileSystemEntry, above: string): Promise<void> => {
    const path = above + entry.name;
    if (entry.isFile) {
      const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
      found.push({ path, file });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {
      // A folder is handed out in portions of a hundred.
      const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (portion.length === 0) return;
      for (const inner of portion) await walk(inner, `${path}/`);
    }
  };
  for (const entry of entries) await walk(entry, '');
  return found;
}

export class Upload {
  private queue: Found[] = [];
  private state: UploadState = { files: 0, filesDone: 0, bytes: 0, sent: 0, failures: [], waiting: false, done: false };
  private running = 0;
  private adding = 0;
  private stopped = false;
  private lastSaid = 0;

  constructor(
    private readonly at: string,
    private readonly say: (state: UploadState) => void,
  ) {}

  /** Takes files in portions: asking 10,000 of them for their size at once would freeze the page for a second. */
  async add(files: Found[]): Promise<void> {
    this.adding += 1;
    for (let from = 0; from < files.length && !this.stopped; from += PORTION) {
      const wanted = files
        .slice(from, from + PORTION)
        .filter((it) => !it.path.split('/').some((part) => part.startsWith('.')));
      this.queue.push(...wanted);
      this.state.files += wanted.length;
      this.state.bytes += wanted.reduce((sum, it) => sum + it.file.size, 0);
      this.state.done = false;
      this.tell(from === 0);
      for (let more = Math.min(AT_ONCE - this.running, wanted.length); more > 0; more -= 1) void this.work();
      await new Promise((resolve) => setTimeout(resolve));
    }
    this.adding -= 1;
    this.finish();
  }

  private finish(): void {
    if (this.running > 0 || this.adding > 0 || this.stopped) return;
    this.state.done = true;
    this.tell(true);
  }

  stop(): void {
    this.stopped = true;
    this.queue = [];
  }

  private tell(always = false): void {
    const now = Date.now();
    if (this.stopped || (!always && now - this.lastSaid < SAY_MS)) return;
    this.lastSaid = now;
    this.say({ ...this.state, failures: [...this.state.failures] });
  }

  private async work(): Promise<void> {
    this.running += 1;
    for (let next = this.queue.shift(); next && !this.stopped; next = this.queue.shift()) {
      try {
        await this.send(next);
      } catch (error) {
        if (this.state.failures.length < 10)
          this.state.failures.push(`${next.path}: ${error instanceof Error ? error.message : error}`);
      }
      this.state.filesDone += 1;
      this.tell();
    }
    this.running -= 1;
    this.finish();
  }

  private async send({ path, file }: Found): Promise<void> {
    let offset = 0;
    let counted = 0;
    const query = `path=${encodeURIComponent(path)}`;
    do {
      const piece = file.slice(offset, offset + PIECE);
      try {
        const answer = await fetch(`${this.at}/files?${query}&offset=${offset}`, {
          method: 'PUT',
          body: piece,
          headers: { 'content-type': 'application/octet-stream' },
        });
        if (answer.status >= 500 || answer.status === 409) throw new Error('again');
        if (!answer.ok) {
          const problem = await answer.json().catch(() => ({}));
          throw new Refused(problem.detail ?? `the server answered ${answer.status}`);
        }
        offset = (await answer.json()).bytes;
        this.state.waiting = false;
      } catch (error) {
        if (error instanceof Refused || this.stopped) throw error;
        this.state.waiting = true;
        this.tell(true);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        // How much arrived before the connection broke?
        const known = await fetch(`${this.at}?${query}`)
          .then((answer) => (answer.ok ? answer.json() : null))
          .catch(() => null);
        if (known) offset = Math.min(known.bytes, file.size);
      }
      this.state.sent += offset - counted;
      counted = offset;
      this.tell();
    } while (offset < file.size);
  }
}

class Refused extends Error {}
