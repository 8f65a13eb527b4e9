story: A payer's store is put back to before its vote, and no peer's greeting gets through before the COMMIT: the certificate itself shows the loss
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
hold every commit from care to east as decision
settle s1 100.00 of li at care
expect s1 done
expect s1 PREPARED at east
crash east
wait 2s
restore east
restart east
let commit pass from care to east
release decision
expect alarm resync_needed at east
expect east is open
expect s1 COMMITTED at east
expect wang has 430.00
