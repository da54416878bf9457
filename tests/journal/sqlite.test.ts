import { conformance } from './conformance/suite.ts';
import { sqlite } from './support/dialects.ts';

conformance(sqlite);
