// Starts the viewer, where there are runs to view.

import { readPage } from "./data";
import { byId } from "./dom";

const { runs } = readPage(byId("data").textContent ?? "");
if (runs.length > 0) void import("./viewer");
else document.body.dataset.panes = "0";
