import { conformance } from './conformance/suite.ts';
import { postgres } from './support/dialects.ts';

conformance(postgres);
