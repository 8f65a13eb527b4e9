story: A payer's node dies after its vote while the home hangs: the client hears done, the node learns it after its start
about: crash: participant after PREPARED
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

plan p1 100.00 of li at care
expect p1 done
freeze home
settle s1 100.00 of li at care by plan p1
expect s1 PREPARED at east
crash east
thaw home
expect s1 done
restart east
expect s1 COMMITTED at east
expect wang has 430.00
