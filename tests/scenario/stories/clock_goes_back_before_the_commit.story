story: A participant's clock falls back an hour between vote and COMMIT: decisions have no clock window
about: admission: the clock window is for new work only
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as decision
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
the clock of east is -1h off
let commit pass from care to east
release decision
expect s1 COMMITTED at east
the clock of east is +0s off
wait 1s
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
expect wang has 420.00
