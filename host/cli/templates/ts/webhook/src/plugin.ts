// What the component exports. The plugin itself is in transform.ts.

import { reporting } from "./reporting";
import { transform } from "./transform";

export const webhookTransformer = { transform: reporting(transform) };
