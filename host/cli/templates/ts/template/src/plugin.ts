// What the component exports. The plugin itself is in render.ts.

import { render } from "./render";
import { reporting } from "./reporting";

export const templateRenderer = { render: reporting(render) };
