// Build static/build from the npm packages and our Sass: stylesheet, script, fonts, licences.
// Run by `manage.py build_assets`, which decides whether there is anything to do.
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "..", "node_modules");
const out = join(here, "build");

const copies = {
  "govuk-frontend/dist/govuk/govuk-frontend.min.js": "govuk-frontend.min.js",
  "tus-js-client/dist/tus.min.js": "tus.min.js",
  "tus-js-client/LICENSE": "licences/tus-js-client.txt",
  "@fontsource-variable/public-sans/files/public-sans-latin-wght-normal.woff2":
    "fonts/public-sans-latin.woff2",
  "@fontsource-variable/public-sans/files/public-sans-latin-ext-wght-normal.woff2":
    "fonts/public-sans-latin-ext.woff2",
  // Typst reads TrueType only, and one file must hold all letters or words break at each macron.
  "@expo-google-fonts/public-sans/400Regular/PublicSans_400Regular.ttf":
    "pdf-fonts/PublicSans-Regular.ttf",
  "@expo-google-fonts/public-sans/400Regular_Italic/PublicSans_400Regular_Italic.ttf":
    "pdf-fonts/PublicSans-Italic.ttf",
  "@expo-google-fonts/public-sans/600SemiBold/PublicSans_600SemiBold.ttf":
    "pdf-fonts/PublicSans-SemiBold.ttf",
  "@expo-google-fonts/public-sans/700Bold/PublicSans_700Bold.ttf": "pdf-fonts/PublicSans-Bold.ttf",
  "@fontsource-variable/public-sans/LICENSE": "licences/public-sans.txt",
  "@expo-google-fonts/public-sans/LICENSE_FONT": "licences/public-sans-pdf.txt",
};

await mkdir(out, { recursive: true });
for (const old of await readdir(out)) await rm(join(out, old), { recursive: true });
for (const [from, to] of Object.entries(copies)) {
  await mkdir(dirname(join(out, to)), { recursive: true });
  await cp(join(packages, from), join(out, to));
}
await cp(join(here, "licences"), join(out, "licences"), { recursive: true });

// The published scripts end in a reference to a source map that is not served.
for (const name of ["govuk-frontend.min.js", "tus.min.js"]) {
  const script = join(out, name);
  const source = await readFile(script, "utf8");
  await writeFile(script, source.replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n"));
}

const { css } = compile(join(here, "styles", "app.scss"), {
  loadPaths: [packages],
  style: "compressed",
  quietDeps: true,
});
await writeFile(join(out, "app.css"), css);
console.log(`app.css ${Math.round(css.length / 1024)} KB, ${Object.keys(copies).length} files copied`);
