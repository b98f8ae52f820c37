import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// A development page asks the server that runs beside it.
const server = process.env.DOCMILL_URL ?? 'http://127.0.0.1:7878';

export default defineConfig({
  // Relative, so that the same build works below any path.
  base: './',
  plugins: [react()],
  build: { target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/api': server } },
  test: { include: ['src/**/*.test.ts'] },
});
