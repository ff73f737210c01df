// What the component exports. The plugin itself is in handle.ts.

import { handle } from "./handle";
import { reporting } from "./reporting";

export const eventHandler = { handle: reporting(handle) };
