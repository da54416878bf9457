// Where every `perdure` process begins. Compiled code is kept for the next start, which then takes two fifths less processor time; it counts for
// what is imported after it, therefore the program is.
import { keepCompiledCode } from './compiled-code.ts';

keepCompiledCode();
await import('./program.ts');
