/**
 * `approvalPolicy` of perdure.yaml: which calls of tools a person is asked about, which are allowed and which denied. Declarative: the first
 * rule that matches a call decides. zod at run time: not for workflows.
 */
import { z } from 'zod';
import { linearPattern } from './patterns.ts';

/** A policy is read at each call; nobody writes so many by hand. */
const MAX_RULES = 200;
const MAX_CONDITIONS = 20;

const NAME_PATTERN = /^[A-Za-z0-9_*-]{1,200}$/;
/** RFC 6901; `~` only as `~0` and `~1`. */
const JSON_POINTER = /^(?:\/(?:[^~/]|~[01])*)*$/;

const isLinearPattern = (pattern: string): boolean => {
  try {
    linearPattern(pattern);
    return true;
  } catch {
    return false;
  }
};

/** What one argument must be. */
const conditionSchema = z
  .strictObject({
    pointer: z
      .string()
      .max(500)
      .regex(JSON_POINTER, 'expected a JSON pointer such as /path or /options/force')
      .describe('JSON pointer of the argument; "" is all arguments as JSON text.'),
    equals: z.json().optional().describe('It is exactly this.'),
    matches: z
      .string()
      .max(1_000)
      .refine(
        isLinearPattern,
        'expected a regular expression that RE2 knows (no look-around, no back-references)',
      )
      .optional()
      .describe(
        'This regular expression is found in it: `^` and `$` where all of it is meant. What is no text is matched as its JSON.',
      ),
  })
  .refine(({ equals, matches }) => (equals === undefined) !== (matches === undefined), {
    error: 'expected either "equals" or "matches"',
  });
export type ArgumentCondition = z.infer<typeof conditionSchema>;

export const approvalPolicyRuleSchema = z.strictObject({
  tool: z
    .string()
    .regex(NAME_PATTERN, 'expected the name of a tool, in which "*" stands for any characters')
    .optional()
    .describe('Name of the tool; `*` stands for any characters.'),
  arguments: z
    .array(conditionSchema)
    .min(1)
    .max(MAX_CONDITIONS)
    .optional()
    .describe(
      'What its arguments must be, all of it. An argument that is missing matches nothing.',
    ),
  effect: z.enum(['read', 'keyed', 'never-retry']).optional().describe('Effect class of the tool.'),
  workspace: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe(
      "Path of the session's workspace; `*` stands for any characters. A session without one matches nothing.",
    ),
  action: z.enum(['ask', 'allow', 'deny']).describe('What becomes of the call.'),
  reason: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe('For the person who is asked, or for the model whose call is denied.'),
});
export type ApprovalPolicyRule = z.infer<typeof approvalPolicyRuleSchema>;

/** The first rule whose conditions all hold decides; one without conditions matches every call. */
export const approvalPolicySchema = z.array(approvalPolicyRuleSchema).max(MAX_RULES);
export type ApprovalPolicy = z.infer<typeof approvalPolicySchema>;
