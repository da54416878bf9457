/** Puts values into a description's templates: once, so that what a person wrote is never read as a template itself. Pure. */

export interface TemplateValues {
  readonly message: string;
  /** What the program is to print when it has answered. */
  readonly marker: string;
  readonly conversation: string;
  readonly instructions: string;
}

const PLACEHOLDER = /\{(message|json|marker|conversation|instructions)\}/g;

export const fill = (template: string, values: TemplateValues): string =>
  template.replace(PLACEHOLDER, (_, name: keyof TemplateValues | 'json') =>
    name === 'json' ? JSON.stringify(values.message) : values[name],
  );
