// read.mjs - prints every column of the datasets 't' in the files given, as h5wasm reads them.
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const installed = join(process.env.SHMLOAD_MODULES, "node_modules", "h5wasm", "dist", "node", "hdf5_hl.js");
const h5wasm = (await import(pathToFileURL(installed))).default;
await h5wasm.ready;

function showColumn(file, name, values) {
    const words = Array.from(values, (v) => (typeof v === "string" ? v : Number(v).toPrecision(17)));
    console.log([file, name, ...words].join(" "));
}

for (const file of process.argv.slice(2)) {
    const f = new h5wasm.File(file, "r");
    const t = f.get("t");
    if (t instanceof h5wasm.Group) {
        for (const name of t.keys()) showColumn(file, name, t.get(name).value);
    } else if (t.shape.length === 2) {
        const width = t.shape[1], values = t.value;
        ["pos", "x", "b"].forEach((name, i) => showColumn(file, name, values.filter((_, k) => k % width === i)));
    } else {
        const rows = t.value;
        t.dtype.forEach(([name], i) => showColumn(file, name, rows.map((row) => row[i])));
    }
    f.close();
}
