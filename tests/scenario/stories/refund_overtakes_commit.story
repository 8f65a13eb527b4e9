story: A refund reaches a payer's node before the COMMIT of its settlement: it brings the certificate along
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as decision
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
refund r1 40.00 of s1
expect r1 done
expect s1 COMMITTED at east
expect wang has 470.00
let commit pass from care to east
release decision
expect wang has 470.00
