import type { Rendering } from "warbler:plugin/template-renderer";

/** Writes one message of a campaign: puts what is known of the recipient in place of `{{…}}`. */
export function render(what: Rendering): string {
  const [first] = (what.name ?? "").split(" ");
  const known = new Map([["first", first], ...what.fields]);
  return what.template.replaceAll(/\{\{(.*?)\}\}/g, (_, field: string) => {
    const value = known.get(field);
    if (value === undefined) throw new Error(`the template has ${field}, which the recipient has not`);
    return value;
  });
}
