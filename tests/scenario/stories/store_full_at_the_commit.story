story: A store fills up between vote and commit: the node ends rather than forget, and with room again it posts
about: disk: full
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as decision
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
the store of east is full
let commit pass from care to east
release decision
expect east is down
expect east holds 70.00
the store of east has room
restart east
expect s1 COMMITTED at east
expect wang has 430.00
