story: A participant that is PREPARED loses its witness: it promises nothing new until all were heard, then the commit lands
about: start: the gate
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash east after sending vote
settle s1 100.00 of li at care
expect s1 done
expect east is down
cut east from home
restart east without witness
for 10s expect east is gate
heal east and home
expect east is open
expect s1 COMMITTED at east
expect wang has 430.00
