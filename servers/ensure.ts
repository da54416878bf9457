// Run by scripts/bootstrap.mjs before `npm start` and `npm test`: makes sure that the servers are on this machine.
import { ServerNotFound } from './chain.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { findTestServer } from './test-server.ts';

const report = (line: string) => console.log(`[servers] ${line}`);
const wanted = process.argv.slice(2);

try {
  if (wanted.includes('cli') && !process.env['TEMPORAL_ADDRESS']) await findTemporalCli({ report });
  if (wanted.includes('test-server')) await findTestServer({ report });
} catch (error) {
  if (!(error instanceof ServerNotFound)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
