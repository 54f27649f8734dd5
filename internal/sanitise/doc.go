// Package sanitise makes the HTML of a mail safe to show: an allow-list of elements and attributes, its own filter for style attributes, and a
// tree that is built anew, so that what is unbalanced in the mail stays within it. Nothing of the result loads anything from anywhere: remote
// images become placeholders, images that came with the mail are put in by the caller.
//
// It is one of three protections, and relies on none of the others: the page is shown without scripts in a sandboxed frame, and has a
// content security policy of its own. The package is pure; it keeps no state but tables.
package sanitise
