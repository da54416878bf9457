/** The kit that people import to test their agents. */
export { scriptedModel } from './scripted-model.ts';
export type {
  ScriptEntry,
  ScriptedAnswer,
  ScriptedModel,
  ScriptedModelOptions,
  ScriptedRequest,
} from './scripted-model.ts';
