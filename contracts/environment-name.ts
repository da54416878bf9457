import { z } from 'zod';

/** A variable's name, which a pasted key is not: keys have dashes or begin in lower case. */
export const environmentName = z
  .string()
  .regex(
    /^[A-Z_][A-Z0-9_]*$/,
    'expected the name of an environment variable, never the key itself',
  );
