/** Every workflow, under the names that starters use (`contracts/names.ts`). The worker bundles this file. */
export { credentialCheck } from './credential-check/workflow.ts';
export { credentialLogin } from './credential-login/workflow.ts';
export { session } from './session/workflow.ts';
