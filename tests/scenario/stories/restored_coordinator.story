story: The coordinator's store is put back: what it had signed is adopted again, and its client hears the same outcome
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up care
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash care
wait 2s
restore care
restart care
expect alarm resync_needed at care
expect care is open
expect s1 COMMITTED at care
send s1 again
expect s1 done
expect wang has 430.00
