// A list of the versions beside this one, from versions.js in the folder that holds them all.
// A script may be read from disk, where a page may fetch nothing.

const root = document.documentElement.dataset.content_root;
const place = document.querySelector(".sidebar-search-container");
const list = document.createElement("script");
list.src = `${root}../versions.js`;
list.onload = () => {
  const here = new URL(root, location.href).pathname.split("/").at(-2);
  const choice = document.createElement("select");
  choice.className = "versions";
  choice.ariaLabel = "Version of these pages";
  for (const version of window.docsVersions) {
    choice.add(new Option(`version ${version}`, version, false, version === here));
  }
  choice.onchange = () => location.assign(`${root}../${choice.value}/index.html`);
  place.before(choice);
};
if (place) document.head.append(list);
