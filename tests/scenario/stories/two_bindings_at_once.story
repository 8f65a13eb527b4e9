story: One relation is asked for at two nodes at once: one binding, not two
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00

bind b1 wang pays for li at home
bind b2 wang pays for li at east
expect one of b1, b2 done
expect everything decided
settle s1 100.00 of li at care
expect s1 paid by li 30.00, wang 70.00
expect wang has 430.00
