story: A certificate lacks one participant's YES: it is dropped with an alarm; the whole one counts
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as whole
settle s1 100.00 of li at care
expect s1 done
lie: care tells east COMMIT of s1 without the vote of home
expect alarm bad_certificate at east
for 1s expect s1 PREPARED at east
expect east holds 70.00
let commit pass from care to east
release whole
expect s1 COMMITTED at east
expect wang has 430.00
