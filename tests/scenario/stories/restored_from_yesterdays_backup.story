story: A payer's store is put back from yesterday's copy: a peer shows it what it forgot, all tell it what they hold, and it takes part again
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
wait 2s
restore east
restart east
expect alarm resync_needed at east
expect event resync_done at east
expect east is open
expect s1 COMMITTED at east
expect wang has 430.00
settle s2 10.00 of li at care
expect s2 paid by wang 10.00
expect wang has 420.00
