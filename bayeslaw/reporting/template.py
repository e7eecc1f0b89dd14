"""The page of a report, as a Jinja template."""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}</title>
<style>
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.3; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
.alarm { border-left: .35rem solid #b00020; background: #fdecee; padding: .6rem 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid #e3e3e3; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; }
th { font-weight: 600; vertical-align: bottom; }
pre { font-size: .8rem; background: #f6f6f6; padding: .7rem; white-space: pre-wrap;
      overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
p, li { overflow-wrap: anywhere; }
@media print {
  body { max-width: none; margin: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  figure, table, pre { break-inside: avoid; }
  .scroll { overflow: visible; }
}
</style>
</head>
<body>
{%- macro table(t) %}
<div class="scroll"><table>
<thead><tr>{% for name in t.columns %}<th scope="col">{{ name }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in t.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</tbody>
</table></div>
{%- if t.more %}<p>and {{ t.more }} more rows.</p>{% endif %}
{%- endmacro %}
<h1>{{ answer }}</h1>
{% for text in alarms %}<p class="alarm">{{ text }}</p>
{% endfor %}
{%- for section in sections %}
<h2>{{ section.title }}</h2>
{% for block in section.blocks %}
{%- if block.kind == "text" %}<p>{{ block.value }}</p>
{%- elif block.kind == "list" %}
<ul>{% for item in block.value %}<li>{{ item }}</li>{% endfor %}</ul>
{%- elif block.kind == "table" %}{{ table(block.value) }}
{%- elif block.kind == "code" %}<pre>{{ block.value }}</pre>
{%- elif block.kind == "picture" %}<figure>{{ block.value | svg }}</figure>
{%- endif %}
{% endfor %}
{%- endfor %}
</body>
</html>
"""
