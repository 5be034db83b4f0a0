// Package page writes pages that need no other file and no network: a document with its styles, its scripts and its data. The scripts and styles
// are those of this folder.
//
// Nothing of the data is ever markup: it stands in the page as JSON, whose "<" are escaped, and the scripts put it into the document as text.
// A policy in the page forbids the browser every other script and style, and every connection.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed *.css *.js
var files embed.FS

// Page is what a page is made of.
type Page struct {
	Title   string
	Styles  []string // names of files of this folder
	Scripts []string
	// Data are the blocks of JSON that the scripts read, by id. They must not have "<" in them, as encoding/json writes them.
	Data []Data
}

// Data is a block of JSON.
type Data struct {
	ID    string
	Write func(io.Writer) error
}

// Write writes the page.
func (p *Page) Write(out io.Writer) error {
	style, err := read(p.Styles)
	if err != nil {
		return err
	}
	script, err := read(p.Scripts)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '%s'; script-src '%s'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s</title>
<style>%s</style>
</head>
<body>
<noscript>This page is drawn by its own script, which this browser does not run.</noscript>
`, digest(style), digest(script), html.EscapeString(p.Title), style)
	if err != nil {
		return err
	}
	for _, d := range p.Data {
		if err := writeData(out, &d); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "<script>%s</script>\n</body>\n</html>\n", script)
	return err
}

func writeData(out io.Writer, d *Data) error {
	if _, err := fmt.Fprintf(out, `<script type="application/json" id="%s">`, d.ID); err != nil {
		return err
	}
	if err := d.Write(out); err != nil {
		return err
	}
	_, err := io.WriteString(out, "</script>\n")
	return err
}

// read puts files together.
func read(names []string) (string, error) {
	var b strings.Builder
	b.WriteByte('\n')
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		b.Write(text)
	}
	return b.String(), nil
}

// digest is what a policy knows a script or style by.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
