story: A coordinator tells one participant COMMIT and the other ABORT: the second believes the signed ABORT, and the certificate convicts the liar
about: participant ABORTED, COMMIT: convict
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as truth
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
lie: care tells east ABORT of s1
expect s1 ABORTED at east
expect wang can spend 500.00
let commit pass from care to east
release truth
expect alarm equivocation at east
for 5s expect s1 ABORTED at east
expect east is open
end with a difference about s1
