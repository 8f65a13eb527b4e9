story: A participant's key is revoked after its vote: the vote still counts, for the key held when it was given
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to home as decision
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at home
wait 1s
revoke the key of east
let commit pass from care to home
wait 1s
release decision
expect s1 COMMITTED at home
crash east
restart east
expect s1 COMMITTED at east
expect wang has 430.00
