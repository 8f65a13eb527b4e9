story: A payer's store is put back to before its vote while the home still hangs: it votes no second time, and the money moves once at most
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
back up east
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
crash east
wait 1s
restore east
restart east
expect alarm resync_needed at east
thaw home
expect everything decided
expect east is open
expect east holds 0.00
